import { longRead, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

/** Means of one minute. */
export interface MetricsMinute {
  /** Its beginning, milliseconds since 1970. */
  readonly ts: number
  readonly values: Readonly<Record<string, number>>
}

interface Row {
  readonly ts: number
  readonly valuesJson: string
}

export const metricsMinutes = {
  /** Adds them and drops what lies before `keepFromMs` or after `keepToMs`, as a wrong clock leaves it. */
  add: write(
    (
      db,
      {
        minutes,
        keepFromMs,
        keepToMs,
      }: {
        readonly minutes: readonly MetricsMinute[]
        readonly keepFromMs: number
        readonly keepToMs: number
      },
    ): void => {
      const sql = `INSERT INTO metricsMinutes (ts, valuesJson) VALUES (?, ?)
        ON CONFLICT (ts) DO UPDATE SET valuesJson = excluded.valuesJson`
      for (const { ts, values } of minutes) prepared(db, sql).run(ts, JSON.stringify(values))
      prepared(db, 'DELETE FROM metricsMinutes WHERE ts < ?').run(keepFromMs)
      prepared(db, 'DELETE FROM metricsMinutes WHERE ts > ?').run(keepToMs)
    },
  ),

  /** From `fromMs` on and before `toMs`, the oldest first. */
  between: longRead(
    (db, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): readonly MetricsMinute[] =>
      prepared<Row>(db, 'SELECT ts, valuesJson FROM metricsMinutes WHERE ts >= ? AND ts < ? ORDER BY ts')
        .all(fromMs, toMs)
        .map(({ ts, valuesJson }) => ({ ts, values: JSON.parse(valuesJson) as Record<string, number> })),
  ),
}
