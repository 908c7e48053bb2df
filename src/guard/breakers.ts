import type { Clock } from '../kernel/clock.ts'
import {
  type BreakerOptions,
  type BreakerState,
  type BreakerStats,
  CircuitBreaker,
} from './circuit-breaker.ts'

/** Breakers of one gateway; more are a mistake of the program. */
const maxBreakers = 512

/** Every breaker that is in use, by its name, so that people can see and reset them. */
export class Breakers {
  readonly #clock: Clock
  readonly #breakers = new Map<string, CircuitBreaker>()
  readonly #listeners = new Set<(name: string, state: BreakerState) => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The breaker of this name, made where there is none. */
  for(options: BreakerOptions): CircuitBreaker {
    const known = this.#breakers.get(options.name)
    if (known !== undefined) return known
    if (this.#breakers.size >= maxBreakers) throw new RangeError(`there are ${maxBreakers} breakers already`)
    const made = new CircuitBreaker(options, this.#clock)
    made.onChange(state => {
      if (this.#breakers.get(made.name) === made)
        for (const listener of [...this.#listeners]) listener(made.name, state)
    })
    this.#breakers.set(made.name, made)
    return made
  }

  /** What it kept calls away from is gone for good. */
  drop(name: string): void {
    this.#breakers.delete(name)
  }

  /** By name. */
  list(): readonly BreakerStats[] {
    return [...this.#breakers.values()]
      .map(breaker => breaker.stats())
      .sort((a, b) => a.name.localeCompare(b.name, 'en'))
  }

  get(name: string): CircuitBreaker | undefined {
    return this.#breakers.get(name)
  }

  onChange(listener: (name: string, state: BreakerState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
