import type { Clock, Timer } from '../kernel/clock.ts'

/**
 * An integrating debouncer: it charges while the contact is closed and discharges while it is open, at one millisecond per
 * millisecond between 0 and `debounceMs`. Full means pressed, empty means released. So a bounce that is shorter never shows,
 * a short gap within a press costs its own length only, and two changes are at least `debounceMs` apart.
 */
export class Debounce {
  readonly #clock: Clock
  readonly #debounceMs: number
  readonly #changed: (active: boolean) => void
  /** The contact. */
  #raw: boolean
  #active: boolean
  #chargeMs: number
  #atMs: number
  #timer: Timer | undefined

  /** `initial` stands from the start; nothing is told of it. */
  constructor(clock: Clock, debounceMs: number, initial: boolean, changed: (active: boolean) => void) {
    this.#clock = clock
    this.#debounceMs = debounceMs
    this.#changed = changed
    this.#raw = initial
    this.#active = initial
    this.#chargeMs = initial ? debounceMs : 0
    this.#atMs = clock.now()
  }

  get active(): boolean {
    return this.#active
  }

  /** The contact has changed, or the same is told again. */
  edge(raw: boolean): void {
    this.#integrate()
    this.#raw = raw
    this.#settle()
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#timer?.cancel()
  }

  #integrate(): void {
    const nowMs = this.#clock.now()
    const passedMs = nowMs - this.#atMs
    this.#atMs = nowMs
    this.#chargeMs = Math.min(
      this.#debounceMs,
      Math.max(0, this.#chargeMs + (this.#raw ? passedMs : -passedMs)),
    )
  }

  /** Tells a change that is due, or waits for the moment when it will be if nothing comes between. */
  #settle(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#raw === this.#active) return
    const leftMs = this.#raw ? this.#debounceMs - this.#chargeMs : this.#chargeMs
    // A timer may fire a fraction early.
    if (leftMs >= 0.5) {
      this.#timer = this.#clock.setTimer(leftMs, () => {
        this.#integrate()
        this.#settle()
      })
      return
    }
    this.#active = this.#raw
    this.#chargeMs = this.#raw ? this.#debounceMs : 0
    this.#changed(this.#active)
  }
}
