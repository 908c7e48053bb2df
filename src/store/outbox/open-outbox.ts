import { closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite, { type Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'

/** "PGUP": no other program's database is taken for ours. */
const applicationId = 0x50475550
const schemaVersion = 1

const schema = `
  CREATE TABLE outbox (
    upstream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    class TEXT NOT NULL,
    retain INTEGER NOT NULL,
    livedMs INTEGER NOT NULL,
    sizeBytes INTEGER NOT NULL,
    sha BLOB NOT NULL,
    PRIMARY KEY (upstream, seq)
  ) STRICT;
  CREATE INDEX outboxByClass ON outbox (upstream, class, seq);
  CREATE INDEX outboxStates ON outbox (upstream, topic, seq) WHERE class = 'state';
  CREATE TABLE marks (upstream TEXT PRIMARY KEY, livedMs INTEGER NOT NULL) STRICT;
  CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, upstream TEXT NOT NULL, job TEXT NOT NULL, UNIQUE (upstream, job)
  ) STRICT;
`

export interface OpenedOutbox {
  readonly db: Database
  /** Where a damaged file was moved; undefined: there was none. */
  readonly damaged: string | undefined
}

/**
 * Opens or makes the outbox at `path`, in WAL with synchronous FULL as the gateway's own database. A damaged one is moved aside,
 * since the boards must play and the next message must be kept. Throws SqliteError, fs errors and AppError.
 */
export function openOutbox(path: string): OpenedOutbox {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    return { db: opened(path), damaged: undefined }
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown
    const damaged = freeName(path)
    for (const suffix of ['', '-wal', '-shm'])
      if (existsSync(path + suffix)) renameSync(path + suffix, damaged + suffix)
    return { db: opened(path), damaged }
  }
}

function opened(path: string): Database {
  // SQLite gives -wal and -shm the mode of the main file.
  closeSync(openSync(path, 'a', 0o600))
  const db = new Sqlite(path, { timeout: 2000 })
  try {
    const version = Number(db.pragma('user_version', { simple: true }))
    const application = Number(db.pragma('application_id', { simple: true }))
    if (application !== 0 && application !== applicationId)
      throw new AppError('storage_failed', `${path} belongs to another program: choose another state folder`)
    if (version > schemaVersion)
      throw new AppError(
        'storage_failed',
        `${path} was written by a newer pixelgate (version ${version}, this one knows ${schemaVersion}): install that one`,
      )
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma('journal_size_limit = 4194304')
    // Main memory is scarcer than the few reads of a backlog are slow.
    db.pragma('cache_size = -512')
    if (version === 0)
      db.transaction(() => {
        db.exec(schema)
        db.pragma(`application_id = ${applicationId}`)
        db.pragma(`user_version = ${schemaVersion}`)
      }).immediate()
    else if (db.pragma('quick_check(1)', { simple: true }) !== 'ok')
      throw Object.assign(new Error('quick_check failed'), { code: 'SQLITE_CORRUPT' })
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

const isDamage = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && /^SQLITE_(CORRUPT|NOTADB)/.test(String(thrown.code))

function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = `${path}.damaged-${number}`
    if (!existsSync(name)) return name
  }
}
