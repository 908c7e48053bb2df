import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

/** Wrong answers in a row, of an address or for an account. */
export interface SignInFailures {
  /** What is counted; never a name that somebody typed, as people type passwords there. */
  readonly who: string
  readonly failures: number
  /** Wall clock of the last one. */
  readonly lastMs: number
}

export const signInFailures = {
  of: read((db, whos: readonly string[]): SignInFailures[] =>
    whos.flatMap(
      who => prepared<SignInFailures>(db, 'SELECT * FROM signInFailures WHERE who = ?').get(who) ?? [],
    ),
  ),

  /** Beyond `keep` rows those go that failed longest ago. */
  put: write((db, counted: readonly SignInFailures[], keep: number): void => {
    const sql = `INSERT INTO signInFailures (who, failures, lastMs) VALUES (@who, @failures, @lastMs)
      ON CONFLICT (who) DO UPDATE SET failures = excluded.failures, lastMs = excluded.lastMs`
    for (const row of counted) prepared(db, sql).run(row)
    const total =
      prepared<{ count: number }>(db, 'SELECT count(*) AS count FROM signInFailures').get()?.count ?? 0
    if (total <= keep) return
    prepared(
      db,
      'DELETE FROM signInFailures WHERE who IN (SELECT who FROM signInFailures ORDER BY lastMs LIMIT ?)',
    ).run(total - keep)
  }),

  remove: write((db, whos: readonly string[]): void => {
    for (const who of whos) prepared(db, 'DELETE FROM signInFailures WHERE who = ?').run(who)
  }),
}
