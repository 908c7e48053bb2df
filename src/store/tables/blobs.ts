import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { sha256, shaKey } from '../sha256.ts'
import { type BlobRow, bytesOf, type FileOnDisk, isIntact, writeParts } from './blob-parts.ts'

/** A blob that no pattern and no job names. */
const unreferenced = `
  NOT EXISTS (SELECT 1 FROM patterns WHERE sourceSha = blobs.sha256)
  AND NOT EXISTS (SELECT 1 FROM patterns WHERE thumbnailSha = blobs.sha256)
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE sourceSha = blobs.sha256)
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE manifestSha = blobs.sha256)
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE imageSha = blobs.sha256)`

/** Deletes this blob unless something still names it. */
export function dropUnnamed(db: Database, key: Uint8Array): void {
  prepared(db, `DELETE FROM blobs WHERE sha256 = ? AND ${unreferenced}`).run(key)
}

const touch = 'UPDATE blobs SET storedMs = ? WHERE sha256 = ?'

const rowOf = (db: Database, key: Uint8Array): BlobRow | undefined =>
  prepared<BlobRow>(db, 'SELECT sizeBytes, bytes FROM blobs WHERE sha256 = ?').get(key)

/** The same as `put` for a file on the disk, of which a part at a time is in memory. */
export function putFile(db: Database, file: FileOnDisk, nowMs: number): string {
  const key = shaKey(file.sha256)
  const stored = rowOf(db, key)
  if (stored !== undefined && isIntact(db, key, stored)) {
    prepared(db, touch).run(nowMs, key)
    return file.sha256
  }
  prepared(db, 'DELETE FROM blobParts WHERE sha256 = ?').run(key)
  const sql = `INSERT INTO blobs (sha256, sizeBytes, storedMs, bytes) VALUES (?, ?, ?, x'')
    ON CONFLICT (sha256) DO UPDATE SET sizeBytes = excluded.sizeBytes, storedMs = excluded.storedMs, bytes = excluded.bytes`
  prepared(db, sql).run(key, file.sizeBytes, nowMs)
  writeParts(db, key, file)
  return file.sha256
}

/** Content-addressed bytes: source files, manifests, images. The key is the SHA-256 of the bytes, in hexadecimal. */
export const blobs = {
  /** Stores the bytes once and returns their SHA-256. A stored copy that the disk has damaged since is mended. */
  put: write((db, blob: { readonly bytes: Uint8Array; readonly nowMs: number }): string => {
    const key = sha256(blob.bytes)
    const stored = rowOf(db, key)
    if (stored === undefined) {
      const insert = 'INSERT INTO blobs (sha256, sizeBytes, storedMs, bytes) VALUES (?, ?, ?, ?)'
      prepared(db, insert).run(key, blob.bytes.byteLength, blob.nowMs, blob.bytes)
    } else if (isIntact(db, key, stored)) {
      prepared(db, touch).run(blob.nowMs, key)
    } else {
      prepared(db, 'DELETE FROM blobParts WHERE sha256 = ?').run(key)
      const mend = 'UPDATE blobs SET storedMs = ?, sizeBytes = ?, bytes = ? WHERE sha256 = ?'
      prepared(db, mend).run(blob.nowMs, blob.bytes.byteLength, blob.bytes, key)
    }
    return key.toString('hex')
  }),

  /** The bytes, hashed again at each read: SQLite itself notices few flipped bits, and wrong bytes must not leave. */
  get: read((db, sha: string): Uint8Array => {
    const key = shaKey(sha)
    const row = rowOf(db, key)
    if (row === undefined) {
      throw new AppError('not_found', `no stored file has the SHA-256 ${sha}`, { detail: { sha } })
    }
    const bytes = bytesOf(db, key, row)
    if (sha256(bytes).equals(key)) return bytes
    throw new AppError('storage_failed', 'a stored file is damaged and was not used: upload it again', {
      detail: { reason: 'damaged', sha },
    })
  }),

  /** Deletes blobs that nothing names and that were last put before `beforeMs` (a put may still get its job). */
  prune: write((db, before: { readonly beforeMs: number }): { count: number; sizeBytes: number } => {
    const sql = `DELETE FROM blobs WHERE storedMs < ? AND ${unreferenced} RETURNING sizeBytes`
    const rows = prepared<{ sizeBytes: number }>(db, sql).all(before.beforeMs)
    return { count: rows.length, sizeBytes: rows.reduce((sum, row) => sum + row.sizeBytes, 0) }
  }),
}
