import type { Clock } from '../kernel/clock.ts'

/** Seconds over which a rate is taken. */
const windowSeconds = 10

/** Counts messages, and how many there were a second of late. */
export class Traffic {
  readonly #clock: Clock
  readonly #onTraffic: ((direction: 'in' | 'out') => void) | undefined
  /** The latest seconds, each in its place by its number. */
  readonly #counts = new Array<number>(windowSeconds).fill(0)
  #second = 0
  received = 0
  sent = 0
  payloadBytesReceived = 0
  payloadBytesSent = 0

  constructor(clock: Clock, onTraffic?: (direction: 'in' | 'out') => void) {
    this.#clock = clock
    this.#onTraffic = onTraffic
    this.#goOn()
  }

  count(direction: 'in' | 'out', payloadBytes = 0): void {
    if (direction === 'in') {
      this.received++
      this.payloadBytesReceived += payloadBytes
    } else {
      this.sent++
      this.payloadBytesSent += payloadBytes
    }
    this.#goOn()
    const place = this.#second % windowSeconds
    this.#counts[place] = (this.#counts[place] ?? 0) + 1
    this.#onTraffic?.(direction)
  }

  /** Both directions, over the last ten seconds. */
  get perSecond(): number {
    this.#goOn()
    return this.#counts.reduce((sum, count) => sum + count, 0) / windowSeconds
  }

  /** Forgets the seconds that have left the window since. */
  #goOn(): void {
    const second = Math.floor(this.#clock.now() / 1000)
    const passed = Math.min(second - this.#second, windowSeconds)
    for (let i = 0; i < passed; i++) this.#counts[(second - i) % windowSeconds] = 0
    this.#second = second
  }
}
