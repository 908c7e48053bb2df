import type { Clock, Timer } from '../kernel/clock.ts'

interface Pending<T> {
  readonly timer: Timer
  value: T | undefined
}

/** Passes on at most one value of a key every `everyMs`: the first at once, the newest when the time is up. */
export class Throttle<T> {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #pass: (value: T) => void
  /** Keys whose time runs; a key without news is forgotten. */
  readonly #pending = new Map<string, Pending<T>>()

  constructor(clock: Clock, everyMs: number, pass: (value: T) => void) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#pass = pass
  }

  put(key: string, value: T): void {
    const pending = this.#pending.get(key)
    if (pending !== undefined) {
      pending.value = value
      return
    }
    this.#start(key)
    this.#pass(value)
  }

  /** Passes on what waits for its time; the key is forgotten. */
  flush(key: string): void {
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    pending.timer.cancel()
    this.#pending.delete(key)
    if (pending.value !== undefined) this.#pass(pending.value)
  }

  stop(): void {
    for (const { timer } of this.#pending.values()) timer.cancel()
    this.#pending.clear()
  }

  #start(key: string): void {
    const timer = this.#clock.setTimer(this.#everyMs, () => {
      const value = this.#pending.get(key)?.value
      this.#pending.delete(key)
      if (value === undefined) return
      this.#start(key)
      this.#pass(value)
    })
    this.#pending.set(key, { timer, value: undefined })
  }
}
