import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { sha256, shaKey } from '../sha256.ts'

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

/** Content-addressed bytes: source files, manifests, images. The key is the SHA-256 of the bytes, in hexadecimal. */
export const blobs = {
  /** Stores the bytes once and returns their SHA-256. A stored copy that the disk has damaged since is mended. */
  put: write((db, blob: { readonly bytes: Uint8Array; readonly nowMs: number }): string => {
    const key = sha256(blob.bytes)
    const stored = prepared<{ bytes: Buffer }>(db, 'SELECT bytes FROM blobs WHERE sha256 = ?').get(key)
    if (stored === undefined) {
      const insert = 'INSERT INTO blobs (sha256, sizeBytes, storedMs, bytes) VALUES (?, ?, ?, ?)'
      prepared(db, insert).run(key, blob.bytes.byteLength, blob.nowMs, blob.bytes)
    } else if (sha256(stored.bytes).equals(key)) {
      prepared(db, 'UPDATE blobs SET storedMs = ? WHERE sha256 = ?').run(blob.nowMs, key)
    } else {
      const mend = 'UPDATE blobs SET storedMs = ?, sizeBytes = ?, bytes = ? WHERE sha256 = ?'
      prepared(db, mend).run(blob.nowMs, blob.bytes.byteLength, blob.bytes, key)
    }
    return key.toString('hex')
  }),

  /** The bytes, hashed again at each read: SQLite itself notices few flipped bits, and wrong bytes must not leave. */
  get: read((db, sha: string): Uint8Array => {
    const key = shaKey(sha)
    const row = prepared<{ bytes: Buffer }>(db, 'SELECT bytes FROM blobs WHERE sha256 = ?').get(key)
    if (row === undefined) {
      throw new AppError('not_found', `no stored file has the SHA-256 ${sha}`, { detail: { sha } })
    }
    if (sha256(row.bytes).equals(key)) return row.bytes
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
