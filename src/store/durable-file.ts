import { createHash } from 'node:crypto'
import { chownSync, closeSync, fsyncSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const chunkBytes = 1024 * 1024

/** Makes what was written to the file or folder at `path` survive a power cut. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Puts a file into its place so that after a power cut it is there whole or not at all. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to)
  syncPath(dirname(to))
}

/** Writes a file for this user alone; the bytes are on the disk when it returns. The folder is not synced. */
export function writeSynced(path: string, text: string): void {
  const fd = openSync(path, 'w', 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Hexadecimal SHA-256 of a file; each chunk also goes to `take`. `proceed` is called between chunks. */
export function hashFile(
  path: string,
  proceed: () => void = () => undefined,
  take: (chunk: Uint8Array) => void = () => undefined,
): string {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(chunkBytes)
  const fd = openSync(path, 'r')
  try {
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) {
      hash.update(chunk.subarray(0, count))
      take(chunk.subarray(0, count))
      proceed()
    }
  } finally {
    closeSync(fd)
  }
  return hash.digest('hex')
}

/** Root's files in the folder of another user would lock that user out: they get the owner of `like`. */
export function ownLike(path: string, like: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(like)
  chownSync(path, uid, gid)
}
