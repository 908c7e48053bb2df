import { type Clock, systemClock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { BackupInfo } from './backup-file.ts'
import type { BackupStart } from './backup-worker.ts'
import type { CopyOrder } from './copy-database.ts'
import { startWorker } from './start-worker.ts'
import { fromPlainError, type ThreadReply } from './thread-messages.ts'
import type { DatabaseContents } from './verify-database.ts'

export interface BackupLimits {
  readonly clock?: Clock
  /** Stops it at its next step. */
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/** 4 GB at the 10 MB/s of a poor card, twice read. */
const backupTimeoutMs = 15 * 60_000
/** Beyond it whoever waits is not held up any longer; the thread ends when it gets to it. */
const graceMs = 4_000

/**
 * Makes a proved backup of a database that may be in use, on a thread of its own. Rejects with AppError
 * `storage_failed` (`detail.reason` `damaged` or `disk_full` where it is that) or `cancelled`.
 */
export const backupDatabase = (order: CopyOrder, limits: BackupLimits = {}): Promise<BackupInfo> =>
  inThread<BackupInfo>({ do: 'copy', ...order }, limits)

/** Reads the whole database and proves it, without changing it. Rejects as `backupDatabase` does. */
export const checkDatabase = (database: string, limits: BackupLimits = {}): Promise<DatabaseContents> =>
  inThread<DatabaseContents>({ do: 'verify', database }, limits)

function inThread<T>(order: BackupStart['order'], limits: BackupLimits): Promise<T> {
  const { clock = systemClock, signal, timeoutMs = backupTimeoutMs } = limits
  if (signal?.aborted) return Promise.reject(new AppError('cancelled', 'the backup was stopped'))
  const stop = new SharedArrayBuffer(4)
  const entry = import.meta.url.endsWith('.ts') ? './backup-worker.ts' : './backup-worker.js'
  const worker = startWorker(new URL(entry, import.meta.url), { order, stop } satisfies BackupStart)
  return new Promise((resolve, reject) => {
    let reply: ThreadReply | undefined
    // Not `terminate`: better-sqlite3 would abort the process if SQLite reported an error at that moment.
    const halt = (error: AppError): void => {
      Atomics.store(new Int32Array(stop), 0, 1)
      timer.cancel()
      timer = clock.setTimer(graceMs, () => {
        worker.unref()
        reject(error)
      })
    }
    const onAbort = (): void => halt(new AppError('cancelled', 'the backup was stopped'))
    let timer = clock.setTimer(timeoutMs, () => {
      const message = `the backup did not end within ${Math.round(timeoutMs / 60_000)} min: check the disk or SD card`
      halt(new AppError('storage_failed', message))
    })
    signal?.addEventListener('abort', onAbort, { once: true })
    worker.once('message', (message: ThreadReply) => {
      reply = message
    })
    worker.once('error', cause =>
      reject(new AppError('storage_failed', 'the backup thread ended unexpectedly', { cause })),
    )
    // Settled when the thread has gone: only then nothing of the database is open any more.
    worker.once('exit', () => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      if (reply === undefined) reject(new AppError('storage_failed', 'the backup thread ended unexpectedly'))
      else if (reply.ok) resolve(reply.value as T)
      else reject(fromPlainError(reply.error))
    })
  })
}
