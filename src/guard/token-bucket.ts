/** A token bucket (Turner 1986): a burst up to the limit, then a steady rate. It is told the time. */
export class TokenBucket {
  readonly #limit: number
  readonly #perMs: number
  #tokens: number
  #atMs: number

  /** Full at `nowMs`; `limit` more in each `perMs`. */
  constructor(limit: number, perMs: number, nowMs: number) {
    this.#limit = limit
    this.#perMs = perMs
    this.#tokens = limit
    this.#atMs = nowMs
  }

  /** Takes one; 0 when it was there, else the milliseconds until the next one is. */
  take(nowMs: number): number {
    if (nowMs > this.#atMs) {
      const gained = ((nowMs - this.#atMs) * this.#limit) / this.#perMs
      this.#tokens = Math.min(this.#limit, this.#tokens + gained)
      this.#atMs = nowMs
    }
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * this.#perMs) / this.#limit)
    this.#tokens -= 1
    return 0
  }
}
