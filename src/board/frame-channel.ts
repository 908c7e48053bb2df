import type { Clock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { Link } from '../link/link.ts'
import { encodeFrame, type Frame, maxBodyBytes } from '../protocol/frame.ts'
import { FrameDecoder } from '../protocol/frame-decoder.ts'

/** After so much silence one extra delimiter ends whatever noise the board collected (SPEC §1.4). */
const silenceMs = 20
const delimiter = new Uint8Array(1)

/** Frames over a link that carries bytes; counts what passes. */
export class FrameChannel {
  readonly link: Link
  readonly #clock: Clock
  readonly #decoder = new FrameDecoder(maxBodyBytes)
  #listener: (frame: Frame) => void = () => undefined
  #closeListener: (error: AppError | undefined) => void = () => undefined
  #closed: { readonly error: AppError | undefined } | undefined
  readonly #hearers = new Set<() => void>()
  #wroteAtMs = Number.NEGATIVE_INFINITY
  heardAtMs: number
  bytesOut = 0
  bytesIn = 0
  framesOut = 0
  framesIn = 0

  constructor(link: Link, clock: Clock) {
    this.link = link
    this.#clock = clock
    this.heardAtMs = clock.now()
    link.onClose(error => {
      this.#closed = { error }
      this.#closeListener(error)
    })
    link.onData(chunk => {
      this.bytesIn += chunk.length
      this.#decoder.push(chunk, frame => {
        this.heardAtMs = clock.now()
        this.framesIn++
        this.#listener(frame)
        for (const hear of this.#hearers) hear()
      })
    })
  }

  /** Bytes that came and were no part of a valid frame. */
  get bytesDropped(): number {
    return this.#decoder.droppedBytes
  }

  /** The one reader of frames; a later call takes over. */
  onFrame(listener: (frame: Frame) => void): void {
    this.#listener = listener
  }

  /** Called at each valid frame, beside the reader; returns the function that ends it. */
  onHeard(listener: () => void): () => void {
    this.#hearers.add(listener)
    return () => void this.#hearers.delete(listener)
  }

  /** As `onClose` of the link, but for one listener: a later call takes over, however often the board is greeted. */
  onClose(listener: (error: AppError | undefined) => void): void {
    this.#closeListener = listener
    if (this.#closed !== undefined) listener(this.#closed.error)
  }

  /** False when the link's queue is full; nothing was sent. */
  send(type: number, session: number, seq: number, body: Uint8Array): boolean {
    const nowMs = this.#clock.now()
    if (nowMs - this.#wroteAtMs >= silenceMs && this.link.write(delimiter)) this.bytesOut++
    const wire = encodeFrame(type, session, seq, body)
    if (!this.link.write(wire)) return false
    this.#wroteAtMs = nowMs
    this.bytesOut += wire.length
    this.framesOut++
    return true
  }
}
