import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { AppError, toError } from '../kernel/errors.ts'

/** Largest pattern file read without an own limit. */
const defaultMaxBytes = 256 * 1024 * 1024

/**
 * The bytes of a regular file; its size is checked before anything is read. Errors: `file_missing` (absent, or not readable for this user),
 * `file_invalid` (a folder, pipe or device), `file_too_large`.
 */
export async function readPatternFile(path: string, maxBytes: number = defaultMaxBytes): Promise<Uint8Array> {
  try {
    // Without O_NONBLOCK, opening a named pipe waits for its writer for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = await handle.stat()
      if (!stats.isFile())
        throw new AppError('file_invalid', `${path} is no regular file; give the file of a pattern`)
      if (stats.size > maxBytes) {
        const message = `${path} has ${stats.size} bytes; a pattern file may have ${maxBytes} at most`
        throw new AppError('file_too_large', message, { detail: { sizeBytes: stats.size, maxBytes } })
      }
      const bytes = new Uint8Array(stats.size)
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown
    throw unreadable(path, toError(thrown))
  }
}

function unreadable(path: string, cause: Error): AppError {
  const code = 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new AppError('file_missing', `${path} does not exist; check the name`, { cause })
  if (code === 'EACCES' || code === 'EPERM')
    return new AppError('file_missing', `${path} may not be read by this user; check its permissions`, {
      cause,
    })
  if (code === 'EISDIR')
    return new AppError('file_invalid', `${path} is a folder; give the file of a pattern`, { cause })
  return new AppError('file_missing', `${path} cannot be read: ${cause.message}`, { cause })
}
