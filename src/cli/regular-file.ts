import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { AppError, toError } from '../kernel/errors.ts'

/** A regular file opened for reading, with its size. Errors: `file_missing` (absent, or not readable for this user), `file_invalid` (a folder, pipe or device). */
export async function openRegularFile(path: string): Promise<{ handle: FileHandle; sizeBytes: number }> {
  try {
    // Without O_NONBLOCK, opening a named pipe waits for its writer for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (stats.isFile()) return { handle, sizeBytes: stats.size }
    await handle.close()
    if (!stats.isDirectory())
      throw new AppError('file_invalid', `${path} is no regular file; give the file of a pattern`)
    throw new AppError('file_invalid', `${path} is a folder; give the file of a pattern`)
  } catch (thrown) {
    throw unreadable(path, toError(thrown))
  }
}

/** What an error of the file system means for somebody who named a file. */
export function unreadable(path: string, cause: Error): AppError {
  if (cause instanceof AppError) return cause
  const code = 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new AppError('file_missing', `${path} does not exist; check the name`, { cause })
  if (code === 'EACCES' || code === 'EPERM')
    return new AppError('file_missing', `${path} may not be read by this user; check its permissions`, {
      cause,
    })
  return new AppError('file_missing', `${path} cannot be read: ${cause.message}`, { cause })
}
