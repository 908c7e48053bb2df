import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

/** Small values that the program keeps for itself; what a person sets is in the config file. */
export const settings = {
  get: read(
    (db, key: string): string | undefined =>
      prepared<{ value: string }>(db, 'SELECT value FROM settings WHERE key = ?').get(key)?.value,
  ),

  set: write((db, setting: { readonly key: string; readonly value: string }): void => {
    const sql = `INSERT INTO settings (key, value) VALUES (@key, @value)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`
    prepared(db, sql).run(setting)
  }),

  /** False when it was not set. */
  remove: write(
    (db, key: string): boolean => prepared(db, 'DELETE FROM settings WHERE key = ?').run(key).changes > 0,
  ),
}
