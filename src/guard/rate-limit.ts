import type { Clock } from '../kernel/clock.ts'
import { TokenBucket } from './token-bucket.ts'

export interface RateLimitOptions {
  /** So many at once, and so many in each `perMs` after that. */
  readonly limit: number
  readonly perMs: number
  /** Keys that are remembered; beyond it the one that was used longest ago is forgotten. */
  readonly maxKeys?: number
}

/** A token bucket a key. */
export class RateLimit {
  readonly #limit: number
  readonly #perMs: number
  readonly #maxKeys: number
  readonly #clock: Clock
  readonly #buckets = new Map<string, TokenBucket>()

  constructor({ limit, perMs, maxKeys = 10_000 }: RateLimitOptions, clock: Clock) {
    this.#limit = limit
    this.#perMs = perMs
    this.#maxKeys = maxKeys
    this.#clock = clock
  }

  /** Takes one; 0 when it was there, else the milliseconds until the next one is. */
  take(key: string): number {
    const nowMs = this.#clock.now()
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#limit, this.#perMs, nowMs)
    // The order of a Map is that of insertion: what was used last stands last.
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > this.#maxKeys) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    return bucket.take(nowMs)
  }

  /** Gives all back, as after a success that ends a row of failures. */
  forgive(key: string): void {
    this.#buckets.delete(key)
  }
}
