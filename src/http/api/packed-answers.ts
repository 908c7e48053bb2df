import { promisify } from 'node:util'
import { gzip, gzipSync } from 'node:zlib'
import type { StoredAnswer } from './response-cache.ts'

const gzipAside = promisify(gzip)

/** Smaller ones fit into one packet anyway (R9). */
export const gzipFromBytes = 1000
/** Above it packing would hold the loop up for more than about 1 ms. */
const asideFromBytes = 32 * 1024
const level = 6
/** A larger one is packed each time. */
const largestKeptBytes = 256 * 1024

/** Packs each answer once, however often it is sent: the same validator means the same bytes. */
export class PackedAnswers {
  readonly #limitBytes: number
  readonly #byEtag = new Map<string, Buffer>()
  #sizeBytes = 0

  constructor(limitBytes = 4 * 1024 * 1024) {
    this.#limitBytes = limitBytes
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** The answer with its packed form; as it is where that is not worth it. */
  async pack(answer: StoredAnswer): Promise<StoredAnswer> {
    const { body, etag } = answer
    if (answer.gzip !== undefined || body.byteLength < gzipFromBytes) return answer
    const known = this.#byEtag.get(etag)
    const packed =
      known ??
      (body.byteLength < asideFromBytes ? gzipSync(body, { level }) : await gzipAside(body, { level }))
    this.#keep(etag, packed)
    return { ...answer, gzip: packed }
  }

  #keep(etag: string, packed: Buffer): void {
    if (packed.byteLength > largestKeptBytes) return
    if (!this.#byEtag.delete(etag)) this.#sizeBytes += packed.byteLength
    this.#byEtag.set(etag, packed)
    for (const [oldest, { byteLength }] of this.#byEtag) {
      if (this.#sizeBytes <= this.#limitBytes) break
      this.#byEtag.delete(oldest)
      this.#sizeBytes -= byteLength
    }
  }
}
