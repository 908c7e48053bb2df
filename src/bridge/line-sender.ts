import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import type { Link } from '../link/link.ts'

/** How long the acknowledgement of a message is held back until there is room for it. */
export const holdMs = 5_000
/** Messages whose acknowledgement is held back. */
export const mostHeld = 256
/** Handed to the link ahead of the line; what is with the link can no longer be told from what was sent. */
const aheadBytes = 2_048
/** A promised message comes within milliseconds; one that never does must not keep its room. */
const promiseMs = 5_000

export interface LineSenderOptions {
  readonly clock: Clock
  readonly maxQueuedBytes: number
  readonly maxMessagesPerSecond: number
  /** A frame has left for the line. */
  readonly onSent: (sizeBytes: number) => void
  /** A frame was queued and the line was lost before it could leave. */
  readonly onLost: (sizeBytes: number) => void
}

interface Queued {
  readonly bytes: Uint8Array
  /** Of the frame without what frames it. */
  readonly sizeBytes: number
}

interface Held {
  readonly lineBytes: number
  readonly settle: () => void
}

/**
 * The way to the line: a queue with a cap in bytes, let out at a steady rate. A sender that can wait is made to wait for
 * room, one that cannot is told that there is none. Nothing is kept for a line that is not there.
 */
export class LineSender {
  readonly #options: LineSenderOptions
  readonly #rate: RateLimit
  #link: Link | undefined
  #queue: Queued[] = []
  #queuedBytes = 0
  /** With the link, which has not said yet that they have left. */
  #underWay: Queued[] = []
  #held: Held[] = []
  #promised: { readonly lineBytes: number; readonly untilMs: number }[] = []
  #timer: Timer | undefined

  constructor(options: LineSenderOptions) {
    const { clock, maxMessagesPerSecond } = options
    this.#options = options
    this.#rate = new RateLimit({ limit: maxMessagesPerSecond, perMs: 1000 }, clock)
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get heldMessages(): number {
    return this.#held.length
  }

  get isOpen(): boolean {
    return this.#link !== undefined
  }

  attach(link: Link): void {
    this.#link = link
    link.onDrain(() => this.#drained())
    this.#settleHeld()
  }

  /** The line is gone, and with it what waited for it. */
  detach(): void {
    this.#link = undefined
    this.#timer?.cancel()
    this.#timer = undefined
    const lost = [...this.#underWay, ...this.#queue]
    this.#underWay = []
    this.#queue = []
    this.#queuedBytes = 0
    for (const { sizeBytes } of lost) this.#options.onLost(sizeBytes)
  }

  /** Nobody waits any longer. */
  stop(): void {
    this.detach()
    for (const { settle } of this.#held.splice(0)) settle()
  }

  /** Resolves when `lineBytes` have their place kept in the queue, or after `holdMs` without one. undefined: at once. */
  room(lineBytes: number): Promise<void> | undefined {
    if (this.#held.length === 0 && this.#fits(lineBytes)) {
      this.#promise(lineBytes)
      return undefined
    }
    if (this.#held.length >= mostHeld) return undefined
    return new Promise(resolve => {
      const settle = () => {
        timer.cancel()
        resolve()
      }
      const held: Held = { lineBytes, settle }
      const timer = this.#options.clock.setTimer(holdMs, () => {
        this.#held = this.#held.filter(each => each !== held)
        resolve()
        // What stood behind it may be smaller.
        this.#settleHeld()
      })
      this.#held.push(held)
    })
  }

  /** Queues a frame. False: there is no room, or no line. `promised`: it has asked for room before. */
  send(bytes: Uint8Array, sizeBytes: number, promised: boolean): boolean {
    const kept = promised && this.#redeem(bytes.length)
    if (this.#link === undefined) return false
    // Who did not wait does not overtake those who do.
    if (!kept && (this.#held.length > 0 || !this.#fits(bytes.length))) return false
    this.#queue.push({ bytes, sizeBytes })
    this.#queuedBytes += bytes.length
    this.#pump()
    return true
  }

  #fits(lineBytes: number): boolean {
    const { clock, maxQueuedBytes } = this.#options
    this.#promised = this.#promised.filter(({ untilMs }) => untilMs > clock.now())
    const taken = this.#promised.reduce((sum, each) => sum + each.lineBytes, this.#queuedBytes)
    // A frame that is larger than the queue has it for itself.
    return this.#link !== undefined && (taken === 0 || taken + lineBytes <= maxQueuedBytes)
  }

  #promise(lineBytes: number): void {
    this.#promised.push({ lineBytes, untilMs: this.#options.clock.now() + promiseMs })
  }

  #redeem(lineBytes: number): boolean {
    const at = this.#promised.findIndex(each => each.lineBytes === lineBytes)
    if (at >= 0) this.#promised.splice(at, 1)
    return at >= 0
  }

  #settleHeld(): void {
    for (
      let first = this.#held[0];
      first !== undefined && this.#fits(first.lineBytes);
      first = this.#held[0]
    ) {
      this.#held.shift()
      this.#promise(first.lineBytes)
      first.settle()
    }
  }

  #drained(): void {
    for (const { sizeBytes } of this.#underWay.splice(0)) this.#options.onSent(sizeBytes)
    this.#pump()
  }

  #pump(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const link = this.#link
    for (let next = this.#queue[0]; link !== undefined && next !== undefined; next = this.#queue[0]) {
      if (link.queuedBytes >= aheadBytes) break
      const waitMs = this.#rate.take('line')
      if (waitMs > 0) {
        this.#timer = this.#options.clock.setTimer(waitMs, () => this.#pump())
        break
      }
      if (!link.write(next.bytes)) break
      this.#queue.shift()
      this.#queuedBytes -= next.bytes.length
      this.#underWay.push(next)
    }
    this.#settleHeld()
  }
}
