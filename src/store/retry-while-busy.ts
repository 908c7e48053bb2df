import Sqlite from 'better-sqlite3'

const attempts = 10
/** Some locks (the switch to WAL) are refused at once, without the busy timeout. */
const pauseMs = 20

export const isBusy = (error: unknown): boolean =>
  error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')

/**
 * Runs `attempt` until it gets past another process's lock, up to ten times, each waiting for the busy timeout of the
 * connection: two seconds at most with 200 ms. Blocks its thread, which is the storage thread.
 */
export function retryWhileBusy<T>(attempt: () => T): T {
  for (let count = 1; ; count++) {
    try {
      return attempt()
    } catch (error) {
      if (count >= attempts || !isBusy(error)) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
    }
  }
}
