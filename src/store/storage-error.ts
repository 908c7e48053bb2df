import { AppError, type ErrorCode } from '../kernel/errors.ts'

/** What went wrong and what to do, by the primary result code (https://sqlite.org/rescode.html). */
const words: Readonly<Record<string, (path: string) => string>> = {
  SQLITE_FULL: path => `no room is left for ${path}: free space on its disk, or raise the limit of the store`,
  SQLITE_IOERR: path => `the disk failed while ${path} was used: check the disk or SD card and its cable`,
  SQLITE_BUSY: path => `another program keeps ${path} locked: end that program, then try again`,
  SQLITE_LOCKED: path => `another program keeps ${path} locked: end that program, then try again`,
  SQLITE_CORRUPT: path => `${path} is damaged: move it away and restore a backup`,
  SQLITE_NOTADB: path => `${path} is damaged or no database at all: move it away and restore a backup`,
  SQLITE_READONLY: path => `${path} cannot be written: give this user the right to write it and its folder`,
  SQLITE_PERM: path => `${path} cannot be written: give this user the right to write it and its folder`,
  SQLITE_CANTOPEN: path =>
    `${path} cannot be opened: check that its folder exists and that this user may write there`,
  SQLITE_TOOBIG: path => `one record is too large for ${path}: at most 1 GB fit`,
  SQLITE_NOMEM: path => `not enough memory to work on ${path}: close other programs`,
  EACCES: path => `${path} cannot be written: give this user the right to write it and its folder`,
  EPERM: path => `${path} cannot be written: give this user the right to write it and its folder`,
  EROFS: path => `${path} is on a read-only disk: mount it writable or choose another state folder`,
  ENOSPC: path => `no room is left for ${path}: free space on its disk`,
  ENOTDIR: path => `${path} cannot be made: a part of its path is a file, not a folder`,
  EEXIST: path => `${path} cannot be made: a part of its path is a file, not a folder`,
  EISDIR: path => `${path} is a folder, not a database file: choose another path`,
}

/** Constraints that a caller can break with honest input. Others (CHECK, NOT NULL) are bugs. */
const constraints: Readonly<Record<string, [ErrorCode, string]>> = {
  SQLITE_CONSTRAINT_PRIMARYKEY: ['conflict', 'a record with this id exists already: choose another id'],
  SQLITE_CONSTRAINT_UNIQUE: ['conflict', 'a record with this id exists already: choose another id'],
  SQLITE_CONSTRAINT_FOREIGNKEY: [
    'conflict',
    'this record refers to one that is not there, or is still in use',
  ],
}

/** What SQLite or the file system threw, as an AppError that says what to do; bugs and AppErrors come back as they are. */
export function storageError(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof AppError || !('code' in thrown)) return thrown
  const code = String(thrown.code)
  const detail = { sqlite: code, path }
  const constraint = constraints[code]
  if (constraint) return new AppError(constraint[0], constraint[1], { cause: thrown, detail })
  const primary = code.split('_').slice(0, 2).join('_')
  const message = words[code] ?? words[primary]
  return message ? new AppError('storage_failed', message(path), { cause: thrown, detail }) : thrown
}
