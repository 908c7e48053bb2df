import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite, { type Database } from 'better-sqlite3'
import { AppError } from '../kernel/errors.ts'
import { gatewaySchema, migrate, type Schema } from './migrations.ts'
import { retryWhileBusy } from './retry-while-busy.ts'

export interface DatabaseOptions {
  /** How long one attempt waits for another process's lock; it blocks the storage thread. */
  readonly busyTimeoutMs: number
  /** Cap of the database file; undefined: the disk is the limit. */
  readonly maxBytes?: number | undefined
  /** Of the file; the gateway's own database without one. */
  readonly schema?: Schema
}

/** Caps what stays allocated for the write-ahead log after a large blob went through it. */
const journalSizeLimitBytes = 4 * 1024 * 1024
/** https://sqlite.org/fileformat2.html §1.3.2 */
const smallestPageBytes = 512

/**
 * Opens or makes the database at `path` and brings it to this program's version. WAL with synchronous FULL: of the
 * journal modes it is the one that loses no acknowledged commit in a power cut. Throws SqliteError, fs errors and AppError.
 */
export function openDatabase(path: string, options: DatabaseOptions): Database {
  const { busyTimeoutMs, schema = gatewaySchema } = options
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // SQLite gives -wal and -shm the mode of the main file, which holds what only this user may read.
  closeSync(openSync(path, 'a', 0o600))
  if (statSync(path).size > 0 && !examine(path, busyTimeoutMs, schema)) {
    recover(path, busyTimeoutMs)
    examine(path, busyTimeoutMs, schema)
  }
  const db = new Sqlite(path, { timeout: busyTimeoutMs })
  try {
    retryWhileBusy(() => db.pragma('journal_mode = WAL'))
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    db.pragma(`journal_size_limit = ${journalSizeLimitBytes}`)
    if (options.maxBytes !== undefined) limitSize(db, options.maxBytes)
    retryWhileBusy(() => migrate(db, schema.steps, schema.applicationId))
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** A connection that can only look, beside the writer's; the database is there and of this version already. Throws SqliteError. */
export function openReader(path: string, { busyTimeoutMs }: DatabaseOptions): Database {
  const db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs })
  db.pragma('query_only = ON')
  return db
}

function limitSize(db: Database, maxBytes: number): void {
  const pageBytes = Number(db.pragma('page_size', { simple: true }))
  db.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`)
}

/**
 * Refuses a file that must not be touched, by throwing; the read-only connection cannot change it, not even by a
 * checkpoint. False: nothing is known yet, for the file has to be recovered first.
 */
function examine(path: string, busyTimeoutMs: number, { applicationId, steps }: Schema): boolean {
  // SQLite takes a file below its smallest page for an empty database, and would write over it.
  if (statSync(path).size < smallestPageBytes && !existsSync(`${path}-journal`)) throw damaged(path)
  const db = new Sqlite(path, { readonly: true, timeout: busyTimeoutMs })
  try {
    const version = Number(db.pragma('user_version', { simple: true }))
    const application = db.pragma('application_id', { simple: true })
    const tables = db
      .prepare<[], { name: unknown }>(`SELECT name FROM sqlite_schema WHERE type = 'table'`)
      .all()
    if (application !== applicationId && (application !== 0 || version > 0 || tables.length > 0)) {
      throw new AppError('storage_failed', `${path} belongs to another program: choose another path`)
    }
    if (version > steps.length) {
      throw new AppError(
        'storage_failed',
        `${path} was written by a newer pixelgate (version ${version}, this one knows ${steps.length}): install that one, or restore an older backup`,
      )
    }
    for (const { name } of tables) checkTable(db, path, name)
    return true
  } catch (error) {
    // A cut in the middle of the very first write leaves a rollback journal, which only a writer may play back.
    if (error instanceof Sqlite.SqliteError && error.code === 'SQLITE_READONLY_ROLLBACK') return false
    throw error
  } finally {
    db.close()
  }
}

function recover(path: string, busyTimeoutMs: number): void {
  const db = new Sqlite(path, { timeout: busyTimeoutMs })
  try {
    db.pragma('user_version')
  } finally {
    db.close()
  }
}

/** Blobs are left out: they are the bulk of the file, and each is checked against its hash when it is read. */
function checkTable(db: Database, path: string, name: unknown): void {
  if (typeof name !== 'string') throw damaged(path, { found: 'a table whose name is no text' })
  if (name === 'blobs' || name === 'blobParts' || name.startsWith('sqlite_')) return
  const found = db.pragma(`integrity_check('${name.replaceAll("'", "''")}')`, { simple: true })
  if (found === 'ok') return
  throw damaged(path, { found })
}

const damaged = (path: string, detail: Record<string, unknown> = {}): AppError =>
  new AppError('storage_failed', `${path} is damaged or no database: move it away and restore a backup`, {
    detail,
  })
