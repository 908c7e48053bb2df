import type { Clock } from '../kernel/clock.ts'

export interface PostLimitOptions {
  /** So many within any `perMs`. */
  readonly limit: number
  readonly perMs: number
  /** People that are remembered; beyond it the one who wrote longest ago is forgotten. */
  readonly maxPeople?: number
}

/**
 * A sliding window for each person: a token bucket would let nearly twice as many through in the first minute.
 */
export class PostLimit {
  readonly #options: Required<PostLimitOptions>
  readonly #clock: Clock
  /** Times of the last posts, oldest first. */
  readonly #posts = new Map<string, number[]>()

  constructor({ limit, perMs, maxPeople = 1000 }: PostLimitOptions, clock: Clock) {
    this.#options = { limit, perMs, maxPeople }
    this.#clock = clock
  }

  /**
   * Notes a post; 0 when it is within the limit, else nothing is noted and it is so many milliseconds too
   * early.
   */
  take(person: string): number {
    const { limit, perMs, maxPeople } = this.#options
    const now = this.#clock.now()
    const recent = (this.#posts.get(person) ?? []).filter(at => at > now - perMs)
    const [oldest = now] = recent
    if (recent.length >= limit) return Math.ceil(oldest + perMs - now)
    recent.push(now)
    // The order of a Map is that of insertion: who wrote last stands last.
    this.#posts.delete(person)
    this.#posts.set(person, recent)
    if (this.#posts.size > maxPeople) {
      const [first] = this.#posts.keys()
      if (first !== undefined) this.#posts.delete(first)
    }
    return 0
  }

  /** The last post did not come about. */
  giveBack(person: string): void {
    this.#posts.get(person)?.pop()
  }
}
