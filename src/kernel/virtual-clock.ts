import type { Clock, Timer } from './clock.ts'

interface Pending {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

/** A clock that moves only when told to: simulations and tests run days in milliseconds, and the same way each time. */
export class VirtualClock implements Clock {
  #now = 0
  #order = 0
  readonly #pending = new Set<Pending>()
  readonly #epochMs: number

  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs
  }

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return this.#epochMs + Math.floor(this.#now)
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    // Whole microseconds, rounded up: a rest of 1e-13 ms would fire without moving the clock, for ever.
    const at = delayMs > 0 ? (Math.round(this.#now * 1000) + Math.ceil(delayMs * 1000)) / 1000 : this.#now
    const entry: Pending = { at, order: this.#order++, fire }
    this.#pending.add(entry)
    return { cancel: () => void this.#pending.delete(entry) }
  }

  /** Fires what is due within the next `byMs`, in order of time, then of setting. */
  advance(byMs: number): void {
    const end = this.#now + byMs
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) this.#run(next)
    this.#now = end
  }

  /** Jumps to the next timer and fires it; false when none is set. */
  step(): boolean {
    const next = this.#next()
    if (next === undefined) return false
    this.#run(next)
    return true
  }

  #run(entry: Pending): void {
    this.#pending.delete(entry)
    this.#now = Math.max(this.#now, entry.at)
    entry.fire()
  }

  #next(): Pending | undefined {
    let best: Pending | undefined
    for (const entry of this.#pending) {
      if (best === undefined || entry.at < best.at || (entry.at === best.at && entry.order < best.order))
        best = entry
    }
    return best
  }
}
