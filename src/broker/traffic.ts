import type { Clock } from '../kernel/clock.ts'

/** Seconds over which a rate is taken. */
const windowSeconds = 10

/** Counts messages, and how many there were a second of late. */
export class Traffic {
  readonly #clock: Clock
  readonly #onTraffic: (direction: 'in' | 'out') => void
  readonly #seconds = new Map<number, number>()
  received = 0
  sent = 0

  constructor(clock: Clock, onTraffic: (direction: 'in' | 'out') => void) {
    this.#clock = clock
    this.#onTraffic = onTraffic
  }

  count(direction: 'in' | 'out'): void {
    if (direction === 'in') this.received++
    else this.sent++
    const second = this.#second()
    this.#seconds.set(second, (this.#seconds.get(second) ?? 0) + 1)
    this.#forget(second)
    this.#onTraffic(direction)
  }

  /** Both directions, over the last ten seconds. */
  get perSecond(): number {
    this.#forget(this.#second())
    let sum = 0
    for (const count of this.#seconds.values()) sum += count
    return sum / windowSeconds
  }

  #second(): number {
    return Math.floor(this.#clock.now() / 1000)
  }

  #forget(now: number): void {
    for (const second of this.#seconds.keys()) if (second <= now - windowSeconds) this.#seconds.delete(second)
  }
}
