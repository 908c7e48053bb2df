import { fail, ok, type Result } from '../kernel/result.ts'
import { ByteBuffer } from './byte-buffer.ts'
import { type Frame, type Framing, type FramingOptions, tooLong, whole } from './framing.ts'

export interface LengthHeader {
  readonly lengthBytes: 1 | 2 | 4
  readonly lengthEndian: 'big' | 'little'
}

/** Within a header a length longer than the cap says that the reader is out of step. */
const silenceMs = 200

/**
 * Frames behind their length, which counts what follows it. Nothing in such a stream tells where a frame begins, so a reader
 * that is out of step takes nothing until the line has been silent.
 */
export class LengthFraming implements Framing {
  readonly idleMs: number
  readonly #options: FramingOptions
  readonly #header: LengthHeader
  /** The header while `#missing` is undefined, then the body. */
  #buffer: ByteBuffer
  #missing: number | undefined
  #skippedBytes: number | undefined

  constructor(header: LengthHeader, options: FramingOptions) {
    this.idleMs = options.idleMs ?? silenceMs
    this.#options = options
    this.#header = header
    this.#buffer = new ByteBuffer(Math.max(options.maxFrameBytes, header.lengthBytes))
  }

  push(chunk: Uint8Array): readonly Frame[] {
    const frames: Frame[] = []
    for (let from = 0; from < chunk.length; ) {
      if (this.#skippedBytes !== undefined) {
        this.#skippedBytes += chunk.length - from
        break
      }
      const wanted = (this.#missing ?? this.#header.lengthBytes) - this.#buffer.sizeBytes
      const part = chunk.subarray(from, from + wanted)
      this.#buffer.push(part)
      from += part.length
      if (part.length < wanted) break
      if (this.#missing === undefined && !this.#begin(this.#buffer.take())) continue
      if (this.#buffer.sizeBytes !== this.#missing) continue
      this.#missing = undefined
      frames.push(whole(this.#buffer.take()))
    }
    return frames
  }

  silence(): readonly Frame[] {
    const { lengthBytes } = this.#header
    const heldBytes = this.#buffer.sizeBytes + (this.#missing === undefined ? 0 : lengthBytes)
    if (this.#skippedBytes !== undefined) this.#options.onLost('malformed', this.#skippedBytes)
    else if (heldBytes > 0) this.#options.onLost('unfinished', heldBytes)
    this.#skippedBytes = undefined
    this.#missing = undefined
    this.#buffer.take()
    return []
  }

  restart(): readonly Frame[] {
    return this.silence()
  }

  encode(bytes: Uint8Array): Result<Uint8Array, string> {
    const { lengthBytes, lengthEndian } = this.#header
    const mostBytes = Math.min(this.#options.maxFrameBytes, 2 ** (8 * lengthBytes) - 1)
    if (bytes.length > mostBytes) return fail(tooLong(bytes.length, mostBytes))
    const framed = Buffer.alloc(lengthBytes + bytes.length)
    if (lengthEndian === 'big') framed.writeUIntBE(bytes.length, 0, lengthBytes)
    else framed.writeUIntLE(bytes.length, 0, lengthBytes)
    framed.set(bytes, lengthBytes)
    return ok(framed)
  }

  /** False: no frame is so long. */
  #begin(header: Uint8Array): boolean {
    const { lengthBytes, lengthEndian } = this.#header
    const bytes = Buffer.from(header)
    const length =
      lengthEndian === 'big' ? bytes.readUIntBE(0, lengthBytes) : bytes.readUIntLE(0, lengthBytes)
    if (length > this.#options.maxFrameBytes) this.#skippedBytes = lengthBytes
    else this.#missing = length
    return this.#missing !== undefined
  }
}
