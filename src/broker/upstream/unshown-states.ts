import type { Clock } from '../../kernel/clock.ts'

/** What the broker has not shown by then it will not show: its sender was cut off. */
const longestMs = 60_000
const maxTopics = 8_192

interface Unshown {
  /** Number of the oldest one. */
  readonly first: number
  readonly count: number
  readonly atMs: number
}

/**
 * Retained messages that are taken for the broker above before the broker here shows them: a value that is read meanwhile is older
 * than they are, though it is read later.
 */
export class UnshownStates {
  readonly #clock: Clock
  /** By topic, the one that was taken longest ago first. */
  readonly #topics = new Map<string, Unshown>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  taken(topic: string, seq: number): void {
    const { first = seq, count = 0 } = this.#of(topic) ?? {}
    this.#topics.delete(topic)
    this.#topics.set(topic, { first, count: count + 1, atMs: this.#clock.now() })
    for (const oldest of this.#topics.keys()) {
      if (this.#topics.size <= maxTopics) break
      this.#topics.delete(oldest)
    }
  }

  /** One of the topic is shown, or never will be. */
  shown(topic: string): void {
    const known = this.#of(topic)
    if (known === undefined) return
    if (known.count === 1) this.#topics.delete(topic)
    else this.#topics.set(topic, { ...known, count: known.count - 1 })
  }

  /** Number of the oldest one of the topic; undefined: what the broker shows is the newest. */
  first(topic: string): number | undefined {
    return this.#of(topic)?.first
  }

  #of(topic: string): Unshown | undefined {
    const known = this.#topics.get(topic)
    if (known === undefined || this.#clock.now() - known.atMs < longestMs) return known
    this.#topics.delete(topic)
    return undefined
  }
}
