import { createHash } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../kernel/errors.ts'

/** SHA-256 of so much takes a Raspberry Pi about a millisecond. */
const hashStepBytes = 256 * 1024

/** The bytes of a file that is not whole yet. Rejects with `storage_failed`. */
export class PartFile {
  readonly #handle: FileHandle

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** A new, empty one whose name survives a power cut. */
  static async create(path: string): Promise<void> {
    await guarded(async () => {
      const handle = await open(path, 'wx', 0o600)
      await handle.sync().finally(() => handle.close())
      const folder = await open(dirname(path), 'r')
      await folder.sync().finally(() => folder.close())
    })
  }

  static async open(path: string): Promise<PartFile> {
    return guarded(async () => new PartFile(await open(path, 'r+')))
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    await guarded(async () => {
      let at = 0
      while (at < bytes.byteLength)
        at += (await this.#handle.write(bytes, at, bytes.byteLength - at, position + at)).bytesWritten
    })
  }

  /** What was written survives a power cut when this resolves. */
  async sync(): Promise<void> {
    await guarded(() => this.#handle.datasync())
  }

  /** Drops what comes after; a disk that is full still does that. */
  async cut(sizeBytes: number): Promise<void> {
    await guarded(() => this.#handle.truncate(sizeBytes))
  }

  async sizeBytes(): Promise<number> {
    return guarded(async () => (await this.#handle.stat()).size)
  }

  /** Hexadecimal SHA-256 of what the disk gives back, in steps that hold nobody up. */
  async sha256(): Promise<string> {
    return guarded(async () => {
      const hash = createHash('sha256')
      const step = Buffer.allocUnsafe(hashStepBytes)
      for (let at = 0; ; ) {
        const { bytesRead } = await this.#handle.read(step, 0, step.byteLength, at)
        if (bytesRead === 0) return hash.digest('hex')
        hash.update(step.subarray(0, bytesRead))
        at += bytesRead
        await nextTurn()
      }
    })
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

export const removePart = (path: string): Promise<void> => rm(path, { force: true })

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    const message =
      code === 'ENOSPC'
        ? 'The disk of the gateway is full. Free space on it, then go on with the upload.'
        : `The file could not be kept (${code}). Look at the disk and the folder of the gateway's state.`
    throw new AppError('storage_failed', message, { cause: thrown })
  }
}
