import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Context } from 'koa'
import { Gate } from '../guard/gate.ts'
import { AppError } from '../kernel/errors.ts'
import { contentDigest } from './content-digest.ts'
import { HttpFault } from './problem.ts'
import { bodyTooLarge, readOn, refuseEncoded, wentAway } from './read-body.ts'

export interface IncomingFile {
  readonly path: string
  readonly sizeBytes: number
  /** Hexadecimal SHA-256 of its bytes. */
  readonly sha256: string
}

/** Of a file; as much as the storage thread takes at once. */
export const largestFileBytes = 64 * 1024 * 1024
const filesAtOnce = 8
/** The line may pause, but not for ever. */
const idleTimeoutMs = 30_000

/** Bodies on their way to the database: on disk and hashed while they come, so that a slow one costs no memory. */
export class Incoming {
  readonly #folder: string
  readonly #readGate = new Gate({
    running: 1,
    waiting: filesAtOnce,
    message: 'Too many files are taken in at this moment. Try again in a few seconds.',
  })
  #open = 0

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Makes the folder and removes what a cut has left in it, but for `keep`. */
  static async open(folder: string, keep?: string): Promise<Incoming> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(folder))
      if (name !== keep) await rm(join(folder, name), { recursive: true, force: true })
    return new Incoming(folder)
  }

  /** Few files are in memory at a time: work with one waits for its turn. Rejects with `overloaded`. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#readGate.run(work)
  }

  /** Files that come in now. */
  get open(): number {
    return this.#open
  }

  /**
   * Takes the body of a request and gives it to `use` as a file, which is gone afterwards, whatever happened. One file at
   * a time is read. Rejects with `file_too_large` (before the body is read, where its length is told),
   * `overloaded`, `storage_failed`, and 400 when Content-Digest says something else.
   */
  async take<T>(ctx: Context, maxBytes: number, use: (file: IncomingFile) => Promise<T>) {
    refuseEncoded(ctx)
    const promised = contentDigest(ctx.get('content-digest'))
    const told = ctx.request.length
    if (told !== undefined && told > maxBytes) throw bodyTooLarge(told, maxBytes)
    if (this.#open >= filesAtOnce)
      throw new AppError('overloaded', `${filesAtOnce} files are coming in already. Try again in a moment.`)
    this.#open += 1
    const path = join(this.#folder, randomUUID())
    try {
      const file = await this.#receive(ctx, path, maxBytes)
      if (promised !== undefined && promised !== file.sha256)
        throw new HttpFault(400, 'The body is not what Content-Digest says: it was damaged. Send it again.')
      return await this.#readGate.run(() => use(file))
    } finally {
      await rm(path, { force: true }).finally(() => {
        this.#open -= 1
      })
    }
  }

  async #receive(ctx: Context, path: string, maxBytes: number): Promise<IncomingFile> {
    const hash = createHash('sha256')
    let sizeBytes = 0
    // Of a body that grows too large the rest is read and dropped: who still writes would miss an earlier answer.
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        sizeBytes += chunk.byteLength
        if (sizeBytes > maxBytes) return done()
        hash.update(chunk)
        done(null, chunk)
      },
    })
    readOn(ctx)
    ctx.req.setTimeout(idleTimeoutMs, () => void ctx.req.destroy())
    try {
      await pipeline(ctx.req, measure, createWriteStream(path, { mode: 0o600, flags: 'wx' }))
    } catch (thrown) {
      throw diskFault(thrown) ?? wentAway(thrown)
    } finally {
      ctx.req.setTimeout(0)
    }
    if (sizeBytes > maxBytes) throw bodyTooLarge(sizeBytes, maxBytes)
    return { path, sizeBytes, sha256: hash.digest('hex') }
  }
}

function diskFault(thrown: unknown): AppError | undefined {
  const { code, syscall } = thrown as NodeJS.ErrnoException
  if (syscall !== 'write' && syscall !== 'open') return undefined
  const message =
    code === 'ENOSPC'
      ? 'The disk of the gateway is full. Free space on it, then send the file again.'
      : `The file could not be kept (${code}). Look at the disk and the folder of the gateway's state.`
  return new AppError('storage_failed', message, { cause: thrown })
}
