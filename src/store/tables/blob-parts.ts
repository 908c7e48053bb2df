import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import { prepared } from '../prepared.ts'

/** A file that the storage thread reads by itself, so that it is never in memory as a whole. */
export interface FileOnDisk {
  readonly path: string
  readonly sizeBytes: number
  /** Hexadecimal. */
  readonly sha256: string
}

export interface BlobRow {
  readonly sizeBytes: number
  /** Empty where the bytes are in parts. */
  readonly bytes: Buffer
}

const partBytes = 1024 * 1024

const isInParts = ({ sizeBytes, bytes }: BlobRow): boolean => bytes.byteLength === 0 && sizeBytes > 0

function parts(db: Database, key: Uint8Array): Iterable<{ readonly bytes: Buffer }> {
  const sql = 'SELECT bytes FROM blobParts WHERE sha256 = ? ORDER BY part'
  return prepared<{ bytes: Buffer }>(db, sql).iterate(key)
}

/** Whether what is stored has this hash; a large blob is read part by part. */
export function isIntact(db: Database, key: Uint8Array, row: BlobRow): boolean {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for (const { bytes } of isInParts(row) ? parts(db, key) : [row]) {
    hash.update(bytes)
    sizeBytes += bytes.byteLength
  }
  return sizeBytes === row.sizeBytes && hash.digest().equals(key)
}

/** The bytes of a blob as they are stored. */
export function bytesOf(db: Database, key: Uint8Array, row: BlobRow): Buffer {
  if (!isInParts(row)) return row.bytes
  const whole = Buffer.from(new ArrayBuffer(row.sizeBytes))
  let at = 0
  for (const { bytes } of parts(db, key)) at += bytes.copy(whole, at)
  return whole.subarray(0, at)
}

/** Writes the parts of a blob whose row is there; throws `storage_failed` when the file is another one by now. */
export function writeParts(db: Database, key: Uint8Array, { path, sizeBytes }: FileOnDisk): void {
  const hash = createHash('sha256')
  const step = Buffer.from(new ArrayBuffer(partBytes))
  const insert = prepared(db, 'INSERT INTO blobParts (sha256, part, bytes) VALUES (?, ?, ?)')
  const fd = openSync(path, 'r')
  let at = 0
  try {
    for (let part = 0; ; part++) {
      const count = readSync(fd, step, 0, partBytes, at)
      if (count === 0) break
      hash.update(step.subarray(0, count))
      insert.run(key, part, step.subarray(0, count))
      at += count
    }
  } finally {
    closeSync(fd)
  }
  if (at === sizeBytes && hash.digest().equals(key)) return
  throw new AppError(
    'storage_failed',
    'The disk gave other bytes back than it was given. Send the file again.',
  )
}
