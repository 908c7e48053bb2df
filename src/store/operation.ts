import type { Database } from 'better-sqlite3'

/** One call of the storage thread: SQL that runs inside a transaction which the thread opens and commits. */
export interface Operation<Args extends unknown[], Result> {
  /** True: the transaction takes the write lock at its start, so that it never has to upgrade a read. */
  readonly writes: boolean
  /** True: it may take long once the database has grown, so it goes to a reader then and nobody waits behind it. */
  readonly long: boolean
  readonly run: (db: Database, ...args: Args) => Result
}

type Run<Args extends unknown[], Result> = (db: Database, ...args: Args) => Result

/** A short read: of one record, or of a table that stays small. In the order of the writes around it. */
export const read = <Args extends unknown[], Result>(run: Run<Args, Result>): Operation<Args, Result> => ({
  writes: false,
  long: false,
  run,
})

/** A list, a search or a report. It sees every write that was acknowledged before it was asked, and perhaps later ones. */
export const longRead = <Args extends unknown[], Result>(
  run: Run<Args, Result>,
): Operation<Args, Result> => ({
  writes: false,
  long: true,
  run,
})

export const write = <Args extends unknown[], Result>(run: Run<Args, Result>): Operation<Args, Result> => ({
  writes: true,
  long: false,
  run,
})
