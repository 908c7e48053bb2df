import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { AppError } from '../kernel/errors.ts'
import { backupName, parseSidecar, sidecarOf } from './backup-file.ts'
import { takeOver } from './database-lock.ts'
import { hashFile, ownLike, renameDurably, syncPath } from './durable-file.ts'
import { storageError } from './storage-error.ts'
import { type DatabaseContents, verifyDatabase } from './verify-database.ts'

export interface Restored extends DatabaseContents {
  readonly database: string
  readonly backup: string
  readonly sha256: string
  /** Where the former database lies now; null: there was none. */
  readonly keptAs: string | null
}

/**
 * Puts a backup in the place of the database, offline: proves a copy of it first, refuses while any process has the
 * database open, keeps the former one aside, and swaps them in one rename. Blocks. Throws AppError `file_missing`,
 * `conflict` or `storage_failed`; then the database is as it was.
 */
export function restoreDatabase(backup: string, database: string, nowMs: number): Restored {
  if (!existsSync(backup)) {
    throw new AppError('file_missing', `${backup} does not exist. See: pixelgate backups`)
  }
  const part = `${database}.restore`
  try {
    mkdirSync(dirname(database), { recursive: true, mode: 0o700 })
    const sha256 = copy(backup, part)
    checkSidecar(backup, sha256)
    const contents = prove(part, backup)
    const keptAs = existsSync(database) ? setAside(database, nowMs) : null
    ownLike(part, keptAs ?? dirname(database))
    renameDurably(part, database)
    return { ...contents, database, backup, sha256, keptAs }
  } catch (thrown) {
    throw storageError(thrown, database)
  } finally {
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(`${part}${end}`, { force: true })
  }
}

function copy(from: string, to: string): string {
  rmSync(to, { force: true })
  const fd = openSync(to, 'wx', 0o600)
  try {
    const sha256 = hashFile(from, undefined, chunk => {
      for (let at = 0; at < chunk.byteLength; ) at += writeSync(fd, chunk, at)
    })
    fsyncSync(fd)
    return sha256
  } finally {
    closeSync(fd)
  }
}

/** A sidecar that is there must fit; a backup that was carried here alone is proved by its contents. */
function checkSidecar(backup: string, sha256: string): void {
  const path = sidecarOf(backup)
  if (!existsSync(path)) return
  const info = parseSidecar(readFileSync(path, 'utf8'), basename(backup), backup)
  if (info?.sha256 === sha256) return
  throw new AppError(
    'storage_failed',
    `${backup} is not as it was made (its SHA-256 differs from ${path}): choose another backup`,
    { detail: { reason: 'damaged', sha256, expected: info?.sha256 ?? null } },
  )
}

function prove(part: string, backup: string): DatabaseContents {
  const db = new Sqlite(part)
  try {
    db.pragma('journal_mode = DELETE')
    return verifyDatabase(db, backup, () => undefined)
  } catch (thrown) {
    throw storageError(thrown, backup)
  } finally {
    db.close()
  }
}

/** The former database under another name, and also still under its own until the rename replaces it. */
function setAside(database: string, nowMs: number): string {
  const whole = takeOver(database)
  const keptAs = freeName(`${database}.before-${backupName(nowMs).slice('pixelgate-'.length, -'.db'.length)}`)
  linkSync(database, keptAs)
  // SQLite would replay a log that lies beside the new file into it, whoever it belonged to.
  for (const end of ['-wal', '-journal']) {
    if (!whole && existsSync(`${database}${end}`)) renameSync(`${database}${end}`, `${keptAs}${end}`)
  }
  rmSync(`${database}-shm`, { force: true })
  syncPath(dirname(database))
  return keptAs
}

function freeName(path: string): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? path : `${path}-${count}`
    if (!existsSync(name)) return name
  }
}
