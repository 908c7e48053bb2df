import { cobsBound, cobsDecodeInto } from './cobs.ts'
import { decodeContent, type Frame, frameOverheadBytes } from './frame.ts'

/**
 * Frames out of a byte stream (SPEC §1.5). What is no frame is dropped and counted, and the next 0x00 begins anew.
 * Holds at most one undecoded frame of the largest size, whatever comes in.
 */
export class FrameDecoder {
  readonly #maxBody: number
  readonly #limit: number
  readonly #held: Uint8Array
  #heldBytes = 0
  #skipping = false
  #droppedBytes = 0
  #droppedFrames = 0

  /** @param maxBody longest body that is accepted, in bytes */
  constructor(maxBody: number) {
    this.#maxBody = maxBody
    // One byte more than the bound: an encoder may end a full last run with an empty one.
    this.#limit = cobsBound(maxBody + frameOverheadBytes) + 1
    this.#held = new Uint8Array(this.#limit)
  }

  /** Bytes of what was dropped so far, delimiters not counted. */
  get droppedBytes(): number {
    return this.#droppedBytes
  }

  /** Stretches between delimiters that were dropped so far. */
  get droppedFrames(): number {
    return this.#droppedFrames
  }

  /** Calls `onFrame` for each frame that `chunk` completes. A frame owns its body: `chunk` may be reused afterwards. */
  push(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let from = 0
    for (let to = bytes.indexOf(0); to >= 0; to = bytes.indexOf(0, from)) {
      const frame = this.#finish(bytes, from, to)
      from = to + 1
      if (frame !== undefined) onFrame(frame)
    }
    this.#hold(bytes, from)
  }

  #finish(bytes: Uint8Array, from: number, to: number): Frame | undefined {
    if (this.#heldBytes === 0 && !this.#skipping) return this.#decode(bytes, from, to)
    this.#hold(bytes.subarray(0, to), from)
    const size = this.#heldBytes
    this.#heldBytes = 0
    if (!this.#skipping) return this.#decode(this.#held, 0, size)
    this.#skipping = false
    this.#droppedFrames++
    return undefined
  }

  #decode(bytes: Uint8Array, from: number, to: number): Frame | undefined {
    const size = to - from
    if (size === 0) return undefined
    if (size <= this.#limit) {
      const content = Buffer.allocUnsafe(size)
      const contentBytes = cobsDecodeInto(content, bytes, from, to)
      const frame =
        contentBytes < 0 ? undefined : decodeContent(content.subarray(0, contentBytes), this.#maxBody)
      if (frame?.ok) return frame.value
    }
    this.#droppedBytes += size
    this.#droppedFrames++
    return undefined
  }

  /** Keeps the beginning of a frame; beyond the largest size it only counts. */
  #hold(bytes: Uint8Array, from: number): void {
    const size = bytes.length - from
    if (size === 0) return
    if (!this.#skipping && this.#heldBytes + size <= this.#limit) {
      this.#held.set(from === 0 ? bytes : bytes.subarray(from), this.#heldBytes)
      this.#heldBytes += size
      return
    }
    this.#skipping = true
    this.#droppedBytes += this.#heldBytes + size
    this.#heldBytes = 0
  }
}
