import type { Clock, Timer } from '../kernel/clock.ts'
import { type LedStatus, ledPatterns } from './led-pattern.ts'

/** Plays the pattern of a status: calls `show` at each change, at once for the first. */
export class LedBlinker {
  readonly #clock: Clock
  readonly #show: (lit: boolean) => void
  #status: LedStatus | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, show: (lit: boolean) => void) {
    this.#clock = clock
    this.#show = show
  }

  /** The same status again leaves the rhythm as it is. */
  set(status: LedStatus): void {
    if (status === this.#status) return
    this.#status = status
    this.#timer?.cancel()
    this.#step(status, 0)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#status = undefined
  }

  #step(status: LedStatus, at: number): void {
    const pattern = ledPatterns[status]
    const step = pattern[at % pattern.length]
    if (step === undefined) return
    if (step.ms !== Number.POSITIVE_INFINITY)
      this.#timer = this.#clock.setTimer(step.ms, () => this.#step(status, (at + 1) % pattern.length))
    this.#show(step.lit)
  }
}
