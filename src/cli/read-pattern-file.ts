import { AppError, toError } from '../kernel/errors.ts'
import { openRegularFile, unreadable } from './regular-file.ts'

/** Largest pattern file read without an own limit. */
const defaultMaxBytes = 256 * 1024 * 1024

/**
 * The bytes of a regular file; its size is checked before anything is read. Errors: `file_missing` (absent, or not readable for this user),
 * `file_invalid` (a folder, pipe or device), `file_too_large`.
 */
export async function readPatternFile(path: string, maxBytes: number = defaultMaxBytes): Promise<Uint8Array> {
  const { handle, sizeBytes } = await openRegularFile(path)
  try {
    if (sizeBytes > maxBytes) {
      const message = `${path} has ${sizeBytes} bytes; a pattern file may have ${maxBytes} at most`
      throw new AppError('file_too_large', message, { detail: { sizeBytes, maxBytes } })
    }
    const bytes = new Uint8Array(sizeBytes)
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } catch (thrown) {
    throw unreadable(path, toError(thrown))
  } finally {
    await handle.close()
  }
}
