import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs'
import Sqlite from 'better-sqlite3'
import { AppError } from '../kernel/errors.ts'
import { isBusy } from './retry-while-busy.ts'

/**
 * Makes sure that nobody has the database open, and brings what its log holds into it. Leaving WAL mode needs SQLite's
 * exclusive lock, which no process gets while another one has the file open. Throws `conflict`; false: the file is no
 * database any more, and stays as it is.
 */
export function takeOver(path: string): boolean {
  const holders = databaseHolders(path)
  if (holders.length > 0) throw inUse(path, holders)
  // SQLite would throw a log away that does not fit what lies there now.
  if (!isDatabase(path)) return false
  let db: Sqlite.Database | undefined
  try {
    db = new Sqlite(path, { fileMustExist: true, timeout: 500 })
    db.pragma('journal_mode = DELETE')
    return true
  } catch (thrown) {
    if (isBusy(thrown)) throw inUse(path, [])
    if (isDamage(thrown)) return false
    throw thrown
  } finally {
    db?.close()
  }
}

/** https://sqlite.org/fileformat2.html §1.3.1 */
function isDatabase(path: string): boolean {
  const magic = Buffer.alloc(16)
  const fd = openSync(path, 'r')
  try {
    readSync(fd, magic)
  } finally {
    closeSync(fd)
  }
  return magic.toString('latin1') === 'SQLite format 3\0'
}

const inUse = (path: string, holders: readonly string[]): AppError =>
  new AppError(
    'conflict',
    `${path} is in use${holders.length === 0 ? '' : ` by ${holders.join(', ')}`}: stop the daemon first (sudo systemctl stop pixelgate)`,
  )

const isDamage = (thrown: unknown): boolean =>
  thrown instanceof Sqlite.SqliteError && /^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(thrown.code)

/** Other processes that have the database or its log open, as `name (pid)`; those of other users only root sees. */
export function databaseHolders(path: string, procFolder = '/proc'): string[] {
  const files = [path, `${path}-wal`, `${path}-shm`].filter(existsSync).map(file => realpathSync(file))
  return namesIn(procFolder)
    .filter(pid => /^\d+$/.test(pid) && pid !== String(process.pid))
    .filter(pid =>
      namesIn(`${procFolder}/${pid}/fd`).some(fd => files.includes(target(`${procFolder}/${pid}/fd/${fd}`))),
    )
    .map(pid => `${nameOf(`${procFolder}/${pid}/comm`)} (${pid})`)
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}

function nameOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return 'a process'
  }
}
