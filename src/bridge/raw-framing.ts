import { fail, ok, type Result } from '../kernel/result.ts'
import { type Frame, type Framing, type FramingOptions, tooLong, whole } from './framing.ts'

/** No frames at all: bytes as they come, in pieces that mean nothing. All of them together are what the line has sent. */
export class RawFraming implements Framing {
  readonly idleMs: number | undefined = undefined
  readonly #maxFrameBytes: number

  constructor({ maxFrameBytes }: FramingOptions) {
    this.#maxFrameBytes = maxFrameBytes
  }

  push(chunk: Uint8Array): readonly Frame[] {
    const frames: Frame[] = []
    for (let from = 0; from < chunk.length; from += this.#maxFrameBytes)
      frames.push(whole(chunk.subarray(from, from + this.#maxFrameBytes)))
    return frames
  }

  silence(): readonly Frame[] {
    return []
  }

  restart(): readonly Frame[] {
    return []
  }

  encode(bytes: Uint8Array): Result<Uint8Array, string> {
    if (bytes.length === 0) return fail('The message is empty.')
    return bytes.length > this.#maxFrameBytes ? fail(tooLong(bytes.length, this.#maxFrameBytes)) : ok(bytes)
  }
}
