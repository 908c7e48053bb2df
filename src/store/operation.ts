import type { Database } from 'better-sqlite3'

/** One call of the storage thread: SQL that runs inside a transaction which the thread opens and commits. */
export interface Operation<Args extends unknown[], Result> {
  /** True: the transaction takes the write lock at its start, so that it never has to upgrade a read. */
  readonly writes: boolean
  readonly run: (db: Database, ...args: Args) => Result
}

type Run<Args extends unknown[], Result> = (db: Database, ...args: Args) => Result

export const read = <Args extends unknown[], Result>(run: Run<Args, Result>): Operation<Args, Result> => ({
  writes: false,
  run,
})

export const write = <Args extends unknown[], Result>(run: Run<Args, Result>): Operation<Args, Result> => ({
  writes: true,
  run,
})
