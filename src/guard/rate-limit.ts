import type { Clock } from '../kernel/clock.ts'

export interface RateLimitOptions {
  /** So many at once, and so many in each `perMs` after that. */
  readonly limit: number
  readonly perMs: number
  /** Keys that are remembered; beyond it the one that was used longest ago is forgotten. */
  readonly maxKeys?: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/** A token bucket a key (Turner 1986): bursts up to the limit, then a steady rate. */
export class RateLimit {
  readonly #limit: number
  readonly #perMs: number
  readonly #maxKeys: number
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  constructor({ limit, perMs, maxKeys = 10_000 }: RateLimitOptions, clock: Clock) {
    this.#limit = limit
    this.#perMs = perMs
    this.#maxKeys = maxKeys
    this.#clock = clock
  }

  /** Takes one; 0 when it was there, else the milliseconds until the next one is. */
  take(key: string): number {
    const bucket = this.#fill(key)
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1
      return 0
    }
    return Math.ceil(((1 - bucket.tokens) * this.#perMs) / this.#limit)
  }

  /** Gives all back, as after a success that ends a row of failures. */
  forgive(key: string): void {
    this.#buckets.delete(key)
  }

  #fill(key: string): Bucket {
    const nowMs = this.#clock.now()
    const known = this.#buckets.get(key)
    const gained = known === undefined ? this.#limit : ((nowMs - known.atMs) * this.#limit) / this.#perMs
    const bucket = { tokens: Math.min(this.#limit, (known?.tokens ?? 0) + gained), atMs: nowMs }
    // The order of a Map is that of insertion: what was used last stands last.
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > this.#maxKeys) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    return bucket
  }
}
