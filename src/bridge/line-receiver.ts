import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import type { Frame, Framing } from './framing.ts'

/** Bytes of frames that were published and have not reached every subscriber yet. */
export const mostUnpublishedBytes = 256 * 1024
/** Of a line without frames, that wait for their turn. */
export const mostGatheredBytes = 64 * 1024

/** Timers of a process that has its turn in time are less late than that. */
const lateMs = 10

/** Why a frame of the line was not published: faster than allowed; slower subscribers than the line. */
export type DropReason = 'too_fast' | 'no_room'

export interface LineReceiverOptions {
  readonly clock: Clock
  readonly framing: Framing
  readonly maxMessagesPerSecond: number
  /**
   * What becomes of what comes too fast: `latest`: the newest frame waits, the one before it is dropped; `gather`: the pieces
   * are joined; `drop`: it is dropped.
   */
  readonly whenTooFast: 'latest' | 'gather' | 'drop'
  /** Resolves when those who listen have it. */
  readonly publish: (frame: Frame) => Promise<void>
  readonly onDropped: (reason: DropReason, sizeBytes: number) => void
}

/** The way from the line: frames out of bytes, at no more than the allowed rate. A line cannot be made to wait. */
export class LineReceiver {
  readonly #options: LineReceiverOptions
  readonly #rate: RateLimit
  #silence: Timer | undefined
  #lastByteMs = 0
  #givenMore = false
  #unpublishedBytes = 0
  #waiting: Frame | undefined
  #turn: Timer | undefined

  constructor(options: LineReceiverOptions) {
    const { clock, maxMessagesPerSecond } = options
    this.#options = options
    this.#rate = new RateLimit({ limit: maxMessagesPerSecond, perMs: 1000 }, clock)
  }

  /** Of frames that not every subscriber has yet. */
  get unpublishedBytes(): number {
    return this.#unpublishedBytes
  }

  receive(chunk: Uint8Array): void {
    const { clock, framing } = this.#options
    this.#lastByteMs = clock.now()
    this.#givenMore = false
    this.#take(framing.push(chunk))
    this.#awaitSilence()
  }

  /** The line was lost: what comes next is not what went on. */
  restart(): void {
    this.#silence?.cancel()
    this.#silence = undefined
    this.#take(this.#options.framing.restart())
  }

  /** What waits for its turn goes out now. */
  stop(): void {
    this.restart()
    this.#turn?.cancel()
    this.#turn = undefined
    this.#flush()
  }

  /** One timer at a time: it looks when it fires whether bytes have come since. */
  #awaitSilence(): void {
    const { clock, framing } = this.#options
    const { idleMs } = framing
    if (idleMs === undefined || this.#silence !== undefined) return
    const dueMs = this.#lastByteMs + idleMs
    this.#silence = clock.setTimer(dueMs - clock.now(), () => {
      this.#silence = undefined
      const silentMs = clock.now() - this.#lastByteMs
      if (silentMs < idleMs) return this.#awaitSilence()
      // The timer is late, so the process stood still: bytes that came in time may not have been read yet.
      if (silentMs >= idleMs + lateMs && !this.#givenMore) {
        this.#lastByteMs = clock.now()
        this.#givenMore = true
        return this.#awaitSilence()
      }
      this.#take(framing.silence())
    })
  }

  #take(frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (this.#waiting === undefined && this.#rate.take('line') === 0) this.#publish(frame)
      else this.#tooFast(frame)
    }
  }

  #tooFast(frame: Frame): void {
    const { whenTooFast, onDropped } = this.#options
    const before = this.#waiting
    if (whenTooFast === 'drop') return onDropped('too_fast', frame.bytes.length)
    if (whenTooFast === 'latest' && before !== undefined) onDropped('too_fast', before.bytes.length)
    if (whenTooFast === 'gather' && before !== undefined) {
      const sizeBytes = before.bytes.length + frame.bytes.length
      if (sizeBytes > mostGatheredBytes) return onDropped('too_fast', frame.bytes.length)
      this.#waiting = { ...frame, bytes: Buffer.concat([before.bytes, frame.bytes], sizeBytes) }
    } else this.#waiting = { ...frame, bytes: new Uint8Array(frame.bytes) }
    this.#awaitTurn()
  }

  #awaitTurn(): void {
    if (this.#turn !== undefined) return
    const waitMs = this.#rate.take('line')
    if (waitMs === 0) return this.#flush()
    this.#turn = this.#options.clock.setTimer(waitMs, () => {
      this.#turn = undefined
      this.#awaitTurn()
    })
  }

  #flush(): void {
    const frame = this.#waiting
    this.#waiting = undefined
    if (frame !== undefined) this.#publish(frame)
  }

  #publish(frame: Frame): void {
    const { publish, onDropped } = this.#options
    const { length } = frame.bytes
    if (this.#unpublishedBytes + length > mostUnpublishedBytes) return onDropped('no_room', length)
    this.#unpublishedBytes += length
    void publish(frame).finally(() => {
      this.#unpublishedBytes -= length
    })
  }
}
