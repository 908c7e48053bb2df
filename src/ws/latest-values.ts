import type { Published } from './live-message.ts'

interface Kept {
  readonly value: Published
  /** The highest number under which somebody was to get it. */
  readonly seq: number
}

/** The newest value of each key of the topics where only that counts, for those who were cut off when it came. */
export class LatestValues {
  readonly #most: number
  /** In the order of their numbers. */
  readonly #kept = new Map<string, Kept>()

  constructor(most: number) {
    this.#most = most
  }

  keep(value: Published): void {
    this.#put(value, value.seq)
    if (this.#kept.size <= this.#most) return
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined) this.#kept.delete(oldest)
  }

  /** Somebody gets the value late, after messages with higher numbers: the older number says no longer who has it. */
  renumber(value: Published, seq: number): void {
    if (this.#kept.get(nameOf(value))?.value === value) this.#put(value, seq)
  }

  /** The value says nothing any more. */
  forget(topic: string, key: string): void {
    this.#kept.delete(nameOf({ topic, key }))
  }

  /** Values of these topics that somebody who has heard up to this number may lack, oldest first. */
  after(since: number, topics: ReadonlySet<string>): readonly Kept[] {
    return [...this.#kept.values()].filter(({ value, seq }) => seq > since && topics.has(value.topic))
  }

  #put(value: Published, seq: number): void {
    this.#kept.delete(nameOf(value))
    this.#kept.set(nameOf(value), { value, seq })
  }
}

const nameOf = ({ topic, key }: Pick<Published, 'topic' | 'key'>): string => `${topic} ${key}`
