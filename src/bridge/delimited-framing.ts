import type { Result } from '../kernel/result.ts'
import { ByteBuffer } from './byte-buffer.ts'
import type { Frame, Framing, FramingOptions } from './framing.ts'

/** What stands between two delimiters, and what is made of it. */
export interface DelimitedCode {
  /** One or two bytes. */
  readonly delimiter: Uint8Array
  /** Most bytes of a frame as it is on the line, with its delimiter. */
  readonly capBytes: number
  /** A frame without its delimiter; undefined: it is none, and that was told. */
  decode(code: Uint8Array): Frame | undefined
  /** What is there when the line falls silent. */
  unfinished(code: Uint8Array): Frame | undefined
  /** With the delimiter. */
  encode(bytes: Uint8Array): Result<Uint8Array, string>
}

/** Frames that end with a delimiter, which brings the reader back into step after anything else. */
export class DelimitedFraming implements Framing {
  readonly idleMs: number | undefined
  readonly #options: FramingOptions
  readonly #code: DelimitedCode
  readonly #buffer: ByteBuffer
  readonly #first: number | undefined
  readonly #last: number
  /** The last byte of what is in the buffer. */
  #before: number | undefined

  constructor(options: FramingOptions, code: DelimitedCode) {
    const [first = 0, second] = code.delimiter
    this.idleMs = options.idleMs
    this.#options = options
    this.#code = code
    this.#buffer = new ByteBuffer(code.capBytes)
    this.#first = second === undefined ? undefined : first
    this.#last = second ?? first
  }

  push(chunk: Uint8Array): readonly Frame[] {
    const frames: Frame[] = []
    for (let from = 0; from < chunk.length; ) {
      const at = chunk.indexOf(this.#last, from)
      const to = at < 0 ? chunk.length : at + 1
      const before = at > from ? chunk[at - 1] : this.#before
      this.#buffer.push(chunk.subarray(from, to))
      this.#before = chunk[to - 1]
      from = to
      if (at < 0 || (this.#first !== undefined && before !== this.#first)) continue
      const frame = this.#end(code => this.#code.decode(code.subarray(0, -this.#code.delimiter.length)))
      if (frame !== undefined) frames.push(frame)
    }
    return frames
  }

  silence(): readonly Frame[] {
    if (this.#buffer.sizeBytes === 0) return []
    const frame = this.#end(code => this.#code.unfinished(code))
    return frame === undefined ? [] : [frame]
  }

  restart(): readonly Frame[] {
    return this.silence()
  }

  encode(bytes: Uint8Array): Result<Uint8Array, string> {
    return this.#code.encode(bytes)
  }

  #end(read: (code: Uint8Array) => Frame | undefined): Frame | undefined {
    const { sizeBytes, overflowed } = this.#buffer
    const code = this.#buffer.take()
    this.#before = undefined
    if (!overflowed) return read(code)
    this.#options.onLost('too_long', sizeBytes)
    return undefined
  }
}
