import { fail, ok, type Result } from '../kernel/result.ts'
import { ByteBuffer } from './byte-buffer.ts'
import { type Frame, type Framing, type FramingOptions, tooLong, whole } from './framing.ts'

/** A USB adapter hands bytes over every 16 ms. */
const silenceMs = 20

/** Frames that silence ends, as those of Modbus RTU. */
export class IdleFraming implements Framing {
  readonly idleMs: number
  readonly #options: FramingOptions
  readonly #buffer: ByteBuffer

  constructor(options: FramingOptions) {
    this.idleMs = options.idleMs ?? silenceMs
    this.#options = options
    this.#buffer = new ByteBuffer(options.maxFrameBytes)
  }

  push(chunk: Uint8Array): readonly Frame[] {
    this.#buffer.push(chunk)
    return []
  }

  silence(): readonly Frame[] {
    const { sizeBytes, overflowed } = this.#buffer
    const bytes = this.#buffer.take()
    if (overflowed) this.#options.onLost('too_long', sizeBytes)
    return sizeBytes === 0 || overflowed ? [] : [whole(bytes)]
  }

  restart(): readonly Frame[] {
    return this.silence()
  }

  encode(bytes: Uint8Array): Result<Uint8Array, string> {
    const { maxFrameBytes } = this.#options
    if (bytes.length === 0) return fail('The message is empty: silence cannot end a frame of no bytes.')
    return bytes.length > maxFrameBytes ? fail(tooLong(bytes.length, maxFrameBytes)) : ok(bytes)
  }
}
