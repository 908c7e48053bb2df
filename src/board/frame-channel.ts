import type { Clock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { Link } from '../link/link.ts'
import { decodeContent, encodeContent, encodeFrame, type Frame, maxBodyBytes } from '../protocol/frame.ts'
import { FrameDecoder } from '../protocol/frame-decoder.ts'

/** After so much silence one extra delimiter ends whatever noise the board collected (SPEC §1.4). */
const silenceMs = 20
const delimiter = new Uint8Array(1)

/** Frames over a link, as bytes or each as a message of its own (SPEC §11.1); counts what passes. */
export class FrameChannel {
  readonly link: Link
  readonly #clock: Clock
  readonly #decoder = new FrameDecoder(maxBodyBytes)
  #listener: (frame: Frame) => void = () => undefined
  #closeListener: (error: AppError | undefined) => void = () => undefined
  #closed: { readonly error: AppError | undefined } | undefined
  readonly #hearers = new Set<() => void>()
  #wroteAtMs = Number.NEGATIVE_INFINITY
  #badMessageBytes = 0
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
      if (link.kind === 'mqtt') this.#onMessage(chunk)
      else this.#decoder.push(chunk, frame => this.#hear(frame))
    })
  }

  /** Bytes that came and were no part of a valid frame. */
  get bytesDropped(): number {
    return this.#decoder.droppedBytes + this.#badMessageBytes
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

  /** `job`: the upload that the frame is part of. False when the link's queue is full; nothing was sent. */
  send(type: number, session: number, seq: number, body: Uint8Array, job?: string): boolean {
    const nowMs = this.#clock.now()
    const asMessage = this.link.kind === 'mqtt'
    const afterSilence = !asMessage && nowMs - this.#wroteAtMs >= silenceMs
    if (afterSilence && this.link.write(delimiter)) this.bytesOut++
    const wire = (asMessage ? encodeContent : encodeFrame)(type, session, seq, body)
    if (!this.link.write(wire, job)) return false
    this.#wroteAtMs = nowMs
    this.bytesOut += wire.length
    this.framesOut++
    return true
  }

  #onMessage(message: Uint8Array): void {
    const frame = decodeContent(message)
    if (frame.ok) this.#hear(frame.value)
    else this.#badMessageBytes += message.length
  }

  #hear(frame: Frame): void {
    this.heardAtMs = this.#clock.now()
    this.framesIn++
    this.#listener(frame)
    for (const hear of this.#hearers) hear()
  }
}
