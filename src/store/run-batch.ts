import type { Database } from 'better-sqlite3'
import { toError } from '../kernel/errors.ts'
import { fail, ok, type Result } from '../kernel/result.ts'
import { isBusy, retryWhileBusy } from './retry-while-busy.ts'

/** A call with its arguments bound. */
export interface BoundCall {
  readonly writes: boolean
  readonly run: (db: Database) => unknown
}

/**
 * Runs the calls in order in one transaction: one flush of the disk for all of them. A call that throws undoes itself
 * alone. Where SQLite gives up the whole transaction (full disk, I/O error) each call runs again in one of its own,
 * so a neighbour's fault costs nobody. No outcome is known before its commit.
 */
export function runBatch(db: Database, calls: readonly BoundCall[]): Result<unknown, Error>[] {
  if (calls.length < 2) return calls.map(call => runAlone(db, call))
  try {
    return inTransaction(
      db,
      calls.some(call => call.writes),
      () => calls.map(call => runNested(db, call)),
    )
  } catch (thrown) {
    const error = toError(thrown)
    return isBusy(error) ? calls.map(() => fail(error)) : calls.map(call => runAlone(db, call))
  }
}

function runAlone(db: Database, call: BoundCall): Result<unknown, Error> {
  try {
    return ok(inTransaction(db, call.writes, () => call.run(db)))
  } catch (thrown) {
    return fail(toError(thrown))
  }
}

function inTransaction<T>(db: Database, writes: boolean, run: () => T): T {
  retryWhileBusy(() => db.exec(writes ? 'BEGIN IMMEDIATE' : 'BEGIN'))
  try {
    const value = run()
    db.exec('COMMIT')
    return value
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function runNested(db: Database, call: BoundCall): Result<unknown, Error> {
  db.exec('SAVEPOINT call')
  try {
    const value = call.run(db)
    db.exec('RELEASE call')
    return ok(value)
  } catch (thrown) {
    // SQLite has rolled back everything: the outcomes before this one are void as well.
    if (!db.inTransaction) throw thrown
    db.exec('ROLLBACK TO call; RELEASE call')
    return fail(toError(thrown))
  }
}
