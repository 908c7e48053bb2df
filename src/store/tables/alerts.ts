import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

export type AlertSeverity = 'INFO' | 'WARNING' | 'CRITICAL'

/** Something that a person should know of. */
export interface AlertRecord {
  /** UUIDv7. */
  readonly id: string
  /** `resource_exhausted`; one of a fixed set. */
  readonly code: string
  /** What it is about: `disk`, `board 0198…`. */
  readonly subject: string
  readonly severity: AlertSeverity
  readonly message: string
  readonly raisedMs: number
  /** null: it is still so. */
  readonly clearedMs: number | null
  readonly acknowledgedMs: number | null
  /** Name of the person. */
  readonly acknowledgedBy: string | null
}

const columns = 'id, code, subject, severity, message, raisedMs, clearedMs, acknowledgedMs, acknowledgedBy'

export const alerts = {
  /** All that are kept, the oldest first; their number is bounded by who writes them. */
  list: read((db): readonly AlertRecord[] =>
    prepared<AlertRecord>(db, `SELECT ${columns} FROM alerts ORDER BY id`).all(),
  ),

  /** Writes the alert as it now is, and forgets others. */
  put: write((db, alert: AlertRecord, forget: readonly string[]): void => {
    const sql = `INSERT INTO alerts (${columns}) VALUES (@id, @code, @subject, @severity, @message, @raisedMs, @clearedMs,
        @acknowledgedMs, @acknowledgedBy)
      ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, message = excluded.message,
        clearedMs = excluded.clearedMs, acknowledgedMs = excluded.acknowledgedMs, acknowledgedBy = excluded.acknowledgedBy`
    prepared(db, sql).run(alert)
    for (const id of forget) prepared(db, 'DELETE FROM alerts WHERE id = ?').run(id)
  }),
}
