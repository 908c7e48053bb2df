import type { HostMessage } from '../messages.ts'
import type { RttEstimator } from './rtt.ts'

/** A request that BUSY keeps alive for longer than this is given up: no erase of a real flash takes so long. */
const longestBusyMs = 300_000

/** One request that awaits its reply (SPEC §2.3): when to send it, again and again with the same seq. */
export class PendingRequest {
  readonly message: HostMessage
  readonly seq: number
  readonly #rtt: RttEstimator
  readonly #frameMs: number
  readonly #startedMs: number
  #sends = 0
  #sentAtMs = 0
  #dueMs: number

  constructor(message: HostMessage, seq: number, rtt: RttEstimator, frameMs: number, nowMs: number) {
    this.message = message
    this.seq = seq
    this.#rtt = rtt
    this.#frameMs = frameMs
    this.#startedMs = nowMs
    this.#dueMs = nowMs
  }

  /** True when it is to be sent now; counts as sent. */
  takeDue(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false
    this.#sentAtMs = nowMs
    this.#dueMs = nowMs + this.#rtt.requestTimeoutMs(this.#frameMs, this.#sends++)
    return true
  }

  /** The board asked for patience (SPEC §2.5). */
  busy(moreMs: number, nowMs: number): void {
    this.#dueMs = nowMs + moreMs + this.#rtt.requestTimeoutMs(this.#frameMs, 0)
  }

  /** Only an answer to a request sent once tells the round trip (Karn's rule, RFC 6298 §3). */
  answered(nowMs: number, afterBusy: boolean): void {
    if (this.#sends === 1 && !afterBusy) this.#rtt.sample(nowMs - this.#sentAtMs)
  }

  deadlineMs(): number {
    return this.#dueMs
  }

  overdue(nowMs: number): boolean {
    return nowMs - this.#startedMs > longestBusyMs
  }
}
