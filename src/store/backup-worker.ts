import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import { AppError } from '../kernel/errors.ts'
import { type CopyOrder, copyDatabase } from './copy-database.ts'
import { storageError } from './storage-error.ts'
import { type ThreadReply, toPlainError } from './thread-messages.ts'
import { verifyDatabase } from './verify-database.ts'

/** What the backup thread is started for; it does this one thing and ends. */
export interface BackupStart {
  readonly order: ({ readonly do: 'copy' } & CopyOrder) | { readonly do: 'verify'; readonly database: string }
  /** One Int32; anything but 0 stops the work at its next step. */
  readonly stop: SharedArrayBuffer
}

async function work(port: MessagePort, { order, stop }: BackupStart): Promise<void> {
  const flag = new Int32Array(stop)
  const proceed = (): void => {
    if (Atomics.load(flag, 0) !== 0) throw new AppError('cancelled', 'the backup was stopped')
  }
  let reply: ThreadReply
  try {
    const value = order.do === 'copy' ? await copyDatabase(order, proceed) : verify(order.database, proceed)
    reply = { ok: true, value }
  } catch (thrown) {
    reply = { ok: false, error: toPlainError(storageError(thrown, order.database)) }
  }
  port.postMessage(reply)
}

function verify(path: string, proceed: () => void) {
  const db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 200 })
  try {
    return verifyDatabase(db, path, proceed)
  } finally {
    db.close()
  }
}

if (parentPort) void work(parentPort, workerData as BackupStart)
