import { randomBytes } from 'node:crypto'
import { link, lstat, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError, toError } from '../kernel/errors.ts'

export interface WriteOptions {
  /** Replace a file that is there. */
  readonly force: boolean
}

/** Rejects with `usage` when a file at `path` may not be written, before anything is done for it. */
export async function mayWrite(path: string, { force }: WriteOptions): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there === undefined) return
  if (!there.isFile())
    throw new AppError('usage', `${path} is there and is no regular file; give another name.`)
  if (!force) throw exists(path)
}

/**
 * Writes a file whole or not at all: into a file beside it, which then takes its name. Rejects with `usage` when it is there and
 * `force` is not given, and when the folder does not take it.
 */
export async function writeNewFile(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  await mayWrite(path, options)
  const temporary = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(4).toString('hex')}`)
  try {
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (options.force || !(await linked(temporary, path))) await rename(temporary, path)
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown
    const cause = toError(thrown)
    throw new AppError('usage', `${path} cannot be written: ${cause.message}`, { cause })
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

/** A link never replaces a file that has come meanwhile. false: this file system has none. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'EEXIST') throw exists(to)
    return false
  }
}

const exists = (path: string) =>
  new AppError('usage', `${path} is there already; give another name, or --force to replace it.`)
