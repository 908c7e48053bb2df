import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

/** A port that the user allowed the gateway to open by itself. */
export interface ApprovedPort {
  /** Stable where the system gives one (`/dev/serial/by-id/…`). */
  readonly path: string
  readonly kind: string
  readonly baudRate: number | null
  readonly approvedMs: number
}

export const approvedPorts = {
  approve: write((db, port: ApprovedPort): void => {
    const sql = `INSERT INTO approvedPorts (path, kind, baudRate, approvedMs) VALUES (@path, @kind, @baudRate, @approvedMs)
      ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, baudRate = excluded.baudRate, approvedMs = excluded.approvedMs`
    prepared(db, sql).run(port)
  }),

  get: read((db, path: string): ApprovedPort | undefined =>
    prepared<ApprovedPort>(db, 'SELECT * FROM approvedPorts WHERE path = ?').get(path),
  ),

  list: read((db): ApprovedPort[] =>
    prepared<ApprovedPort>(db, 'SELECT * FROM approvedPorts ORDER BY path').all(),
  ),

  /** False when it was not approved. */
  revoke: write(
    (db, path: string): boolean =>
      prepared(db, 'DELETE FROM approvedPorts WHERE path = ?').run(path).changes > 0,
  ),
}
