import type { Result } from '../kernel/result.ts'

/** Bytes that belong together. */
export interface Frame {
  readonly bytes: Uint8Array
  /** The line fell silent before the frame's end. */
  readonly partial: boolean
}

/** Why bytes of the line became no frame. */
export type LostReason =
  /** A frame beyond `maxFrameBytes`. */
  | 'too_long'
  /** No code of this framing. */
  | 'malformed'
  /** The line fell silent, or was lost, within a frame. */
  | 'unfinished'

/** Takes what the line sends apart, without I/O and without a clock: the caller says when the line was silent for `idleMs`. */
export interface Framing {
  /** Silence that ends a frame; undefined: silence means nothing. */
  readonly idleMs: number | undefined
  /** Frames that end with this chunk, in order. They may share its memory. */
  push(chunk: Uint8Array): readonly Frame[]
  /** The line was silent for `idleMs`. */
  silence(): readonly Frame[]
  /** The line was opened anew: what was begun is not continued. */
  restart(): readonly Frame[]
  /** Bytes for the line that the same framing at its other end takes for this one frame, or why there are none. */
  encode(bytes: Uint8Array): Result<Uint8Array, string>
}

/** Is told of each loss: one frame, or what stood in the place of one. */
export type OnLost = (reason: LostReason, sizeBytes: number) => void

export interface FramingOptions {
  readonly maxFrameBytes: number
  /** Silence that ends a frame, where that is wanted. */
  readonly idleMs: number | undefined
  readonly onLost: OnLost
}

export const whole = (bytes: Uint8Array): Frame => ({ bytes, partial: false })

export const tooLong = (sizeBytes: number, maxFrameBytes: number): string =>
  `The message has ${sizeBytes} bytes; a frame of this line has at most ${maxFrameBytes}.`
