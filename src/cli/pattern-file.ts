import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { toError } from '../kernel/errors.ts'
import type { ByteSource } from '../pattern/byte-source.ts'
import { openRegularFile, unreadable } from './regular-file.ts'

/** Small reads are served from pages of this size. */
const pageBytes = 64 * 1024
const maxPages = 16

/**
 * A file on disk of which only what is asked for is read. At most 1 MiB is kept; larger pieces belong to who asked for them.
 * Errors of the disk are thrown as AppError `file_missing`.
 */
export class PatternFile implements ByteSource {
  readonly sizeBytes: number
  readonly #path: string
  readonly #handle: FileHandle
  /** The page used longest ago comes first. */
  readonly #pages = new Map<number, Uint8Array>()
  /** Importers that take the whole file do so one after the other. */
  #lastLarge:
    | { readonly offset: number; readonly length: number; readonly bytes: WeakRef<Uint8Array> }
    | undefined

  private constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path
    this.#handle = handle
    this.sizeBytes = sizeBytes
  }

  /** Rejects like `openRegularFile`. */
  static async open(path: string): Promise<PatternFile> {
    const { handle, sizeBytes } = await openRegularFile(path)
    return new PatternFile(path, handle, sizeBytes)
  }

  read(offset: number, wanted: number): Uint8Array {
    const length = Math.max(0, Math.min(wanted, this.sizeBytes - offset))
    if (length === 0) return new Uint8Array(0)
    const page = Math.floor(offset / pageBytes)
    const inPage = offset - page * pageBytes
    if (inPage + length <= pageBytes) return this.#page(page).subarray(inPage, inPage + length)
    const last = this.#lastLarge
    const known = last?.offset === offset && last.length === length ? last.bytes.deref() : undefined
    if (known !== undefined) return known
    const bytes = this.#fromDisk(offset, length)
    this.#lastLarge = { offset, length, bytes: new WeakRef(bytes) }
    return bytes
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  #page(number: number): Uint8Array {
    const page =
      this.#pages.get(number) ??
      this.#fromDisk(number * pageBytes, Math.min(pageBytes, this.sizeBytes - number * pageBytes))
    this.#pages.delete(number)
    this.#pages.set(number, page)
    const [oldest] = this.#pages.keys()
    if (this.#pages.size > maxPages && oldest !== undefined) this.#pages.delete(oldest)
    return page
  }

  /** Shorter when the file has been cut since it was opened. */
  #fromDisk(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    let filled = 0
    try {
      while (filled < length) {
        const read = readSync(this.#handle.fd, bytes, filled, length - filled, offset + filled)
        if (read === 0) break
        filled += read
      }
    } catch (thrown) {
      throw unreadable(this.#path, toError(thrown))
    }
    return bytes.subarray(0, filled)
  }
}
