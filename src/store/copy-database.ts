import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import Sqlite, { type Database } from 'better-sqlite3'
import { AppError } from '../kernel/errors.ts'
import { type BackupInfo, backupName, formatSidecar, sidecarOf } from './backup-file.ts'
import { hashFile, ownLike, renameDurably, writeSynced } from './durable-file.ts'
import { verifyDatabase } from './verify-database.ts'

export interface CopyOrder {
  readonly database: string
  readonly folder: string
  readonly kind: BackupInfo['kind']
  readonly nowMs: number
  readonly busyTimeoutMs: number
  /** What must stay free on the disk afterwards. */
  readonly reserveBytes: number
}

/** Pages of one step: 1 MiB with SQLite's usual page; between steps the copy can be stopped. */
const stepPages = 256
/** Flushed in small portions, so that the storage thread's own flush never waits for hundreds of MB of ours. */
const flushEverySteps = 4

/**
 * Copies one snapshot of a database in use, proves the copy and puts it in its place; runs in a thread of its own.
 * The snapshot is held by a read transaction, which in WAL mode stands in no writer's way. Throws AppError, SqliteError
 * and fs errors; then no file is left. `proceed` may throw to stop it.
 */
export async function copyDatabase(order: CopyOrder, proceed: () => void): Promise<BackupInfo> {
  const { database, folder, nowMs } = order
  const began = performance.now()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  ownLike(folder, dirname(folder))
  const name = freeName(folder, nowMs)
  const path = join(folder, name)
  const part = `${path}.part`
  rmSync(part, { force: true })
  // SQLite writes into a file that nobody else could ever read.
  const fd = openSync(part, 'wx', 0o600)
  try {
    await copyPages(order, part, fd, proceed)
    const contents = prove(part, database, proceed)
    fsyncSync(fd)
    let sizeBytes = 0
    const sha256 = hashFile(part, proceed, chunk => {
      sizeBytes += chunk.byteLength
    })
    const durationMs = Math.round(performance.now() - began)
    const info = {
      name,
      path,
      kind: order.kind,
      sizeBytes,
      sha256,
      ...contents,
      createdMs: nowMs,
      durationMs,
    }
    writeSynced(sidecarOf(path), formatSidecar(info))
    for (const file of [part, sidecarOf(path)]) ownLike(file, folder)
    renameDurably(part, path)
    return info
  } catch (thrown) {
    for (const file of [part, `${part}-journal`, `${part}-wal`, `${part}-shm`]) rmSync(file, { force: true })
    if (!existsSync(path)) rmSync(sidecarOf(path), { force: true })
    throw thrown
  } finally {
    closeSync(fd)
  }
}

function freeName(folder: string, nowMs: number): string {
  for (let count = 1; ; count++) {
    const name = backupName(nowMs, count)
    if (!existsSync(join(folder, name))) return name
  }
}

async function copyPages(order: CopyOrder, part: string, fd: number, proceed: () => void): Promise<void> {
  const source = new Sqlite(order.database, {
    readonly: true,
    fileMustExist: true,
    timeout: order.busyTimeoutMs,
  })
  try {
    source.exec('BEGIN')
    // The snapshot is taken by the first read, not by BEGIN.
    source.prepare('SELECT count(*) FROM sqlite_schema').get()
    checkSpace(source, order)
    let steps = 0
    const progress = (): number => {
      proceed()
      if (++steps % flushEverySteps === 0) fdatasyncSync(fd)
      return stepPages
    }
    await source.backup(part, { progress })
    source.exec('COMMIT')
  } finally {
    source.close()
  }
}

function checkSpace(source: Database, { folder, reserveBytes }: CopyOrder): void {
  const pages = Number(source.pragma('page_count', { simple: true }))
  const neededBytes = pages * Number(source.pragma('page_size', { simple: true }))
  const { bavail, bsize } = statfsSync(folder)
  const freeBytes = bavail * bsize
  if (freeBytes >= neededBytes + reserveBytes) return
  const mb = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`
  throw new AppError(
    'storage_failed',
    `the disk of ${folder} has ${mb(freeBytes)} left; a backup needs ${mb(neededBytes)} and leaves ${mb(reserveBytes)} free: make room, or delete old backups`,
    { detail: { reason: 'disk_full', freeBytes, neededBytes, reserveBytes } },
  )
}

/** The copy says WAL in its header; as one plain file it can be carried elsewhere and read from a read-only disk. */
function prove(part: string, database: string, proceed: () => void) {
  const copy = new Sqlite(part)
  try {
    copy.pragma('journal_mode = DELETE')
    // What is wrong with the copy is wrong with the database; its path is the one that people know.
    return verifyDatabase(copy, database, proceed)
  } finally {
    copy.close()
  }
}
