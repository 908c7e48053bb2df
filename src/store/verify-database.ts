import { createHash } from 'node:crypto'
import type { Database } from 'better-sqlite3'
import { AppError } from '../kernel/errors.ts'
import { applicationId, schemaVersion } from './migrations.ts'

/** What a database that was found whole holds. */
export interface DatabaseContents {
  readonly schemaVersion: number
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>
}

/** Findings that are told; a damaged file may have thousands. */
const maxFindings = 5

/**
 * Reads the whole database: its structure, its references, and each blob against its SHA-256 (of flipped bits SQLite's
 * own check finds about 2 %). Throws AppError `storage_failed`, with `detail.reason` `damaged` where it is, and
 * SqliteError. `proceed` is called between the steps and may throw to end it.
 */
export function verifyDatabase(db: Database, path: string, proceed: () => void): DatabaseContents {
  const version = checkOrigin(db, path)
  const found = (db.pragma(`integrity_check(${maxFindings})`) as { integrity_check: string }[]).map(
    row => row.integrity_check,
  )
  if (found[0] !== 'ok') throw damaged(path, 'its structure is broken', found)
  proceed()
  const strays = db.pragma('foreign_key_check') as { table: string; parent: string }[]
  if (strays.length > 0) {
    const words = strays.slice(0, maxFindings).map(({ table, parent }) => `${table} → ${parent}`)
    throw damaged(path, `${strays.length} records refer to ones that are gone`, words)
  }
  proceed()
  const names = db
    .prepare<[], string>(
      `SELECT name FROM pragma_table_list
       WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
    )
    .pluck()
    .all()
  if (names.includes('blobs')) checkBlobs(db, path, names.includes('blobParts'), proceed)
  const rows = names.map(name => {
    proceed()
    return [name, db.prepare<[], number>(`SELECT count(*) FROM "${name}"`).pluck().get() ?? 0]
  })
  return { schemaVersion: version, rows: Object.fromEntries(rows) }
}

function checkOrigin(db: Database, path: string): number {
  const version = Number(db.pragma('user_version', { simple: true }))
  if (db.pragma('application_id', { simple: true }) !== applicationId || version < 1) {
    throw new AppError('storage_failed', `${path} is no database of pixelgate: choose another file`)
  }
  if (version <= schemaVersion) return version
  throw new AppError(
    'storage_failed',
    `${path} was written by a newer pixelgate (version ${version}, this one knows ${schemaVersion}): install that one`,
  )
}

function checkBlobs(db: Database, path: string, hasParts: boolean, proceed: () => void): void {
  const rows = db.prepare<[], { sha256: Buffer; sizeBytes: number; bytes: Buffer }>(
    'SELECT sha256, sizeBytes, bytes FROM blobs',
  )
  const parts = hasParts
    ? db.prepare<[Buffer], { bytes: Buffer }>('SELECT bytes FROM blobParts WHERE sha256 = ? ORDER BY part')
    : undefined
  const broken: Buffer[] = []
  for (const row of rows.iterate()) {
    const inParts = parts !== undefined && row.bytes.byteLength === 0 && row.sizeBytes > 0
    const hash = createHash('sha256')
    let sizeBytes = 0
    for (const { bytes } of inParts ? parts.iterate(row.sha256) : [row]) {
      hash.update(bytes)
      sizeBytes += bytes.byteLength
    }
    if (sizeBytes !== row.sizeBytes || !hash.digest().equals(row.sha256)) broken.push(row.sha256)
    proceed()
  }
  if (broken.length === 0) return
  const owners = [...new Set(broken.slice(0, maxFindings).flatMap(sha => ownersOf(db, sha)))]
  const whose = owners.length === 0 ? '' : ` of ${owners.slice(0, maxFindings).join(', ')}`
  const files = broken.length === 1 ? 'a stored file' : `${broken.length} stored files`
  throw damaged(
    path,
    `${files}${whose} changed on the disk; uploading the same file again mends it`,
    broken.slice(0, maxFindings).map(sha => sha.toString('hex')),
  )
}

function ownersOf(db: Database, sha: Buffer): string[] {
  const columns = db.prepare<[], string>(`SELECT name FROM pragma_table_info('patterns')`).pluck().all()
  const thumbnail = columns.includes('thumbnailSha') ? 'OR thumbnailSha = @sha' : ''
  const sql = `SELECT 'pattern "' || name || '"' FROM patterns WHERE sourceSha = @sha ${thumbnail}
    UNION SELECT 'job "' || name || '"' FROM jobs WHERE sourceSha = @sha OR manifestSha = @sha OR imageSha = @sha`
  return db.prepare<{ sha: Buffer }, string>(sql).pluck().all({ sha })
}

const damaged = (path: string, what: string, found: readonly string[]): AppError =>
  new AppError('storage_failed', `${path} is damaged: ${what}`, {
    detail: { reason: 'damaged', path, found },
  })
