import { matches } from './topic-filter.ts'

/** Topics whose listeners are remembered. */
const maxTopics = 1000

/** Listeners by filter, in the order in which they came; those of a topic that comes often are found at once. */
export class TopicListeners<L> {
  readonly #all = new Set<{ readonly filter: string; readonly listener: L }>()
  readonly #byTopic = new Map<string, readonly L[]>()

  /** Returns the function that takes it away. */
  add(filter: string, listener: L): () => void {
    const added = { filter, listener }
    this.#all.add(added)
    this.#byTopic.clear()
    return () => {
      this.#all.delete(added)
      this.#byTopic.clear()
    }
  }

  for(topic: string): readonly L[] {
    const known = this.#byTopic.get(topic)
    if (known !== undefined) return known
    const found = [...this.#all]
      .filter(({ filter }) => matches(filter, topic))
      .map(({ listener }) => listener)
    if (this.#byTopic.size >= maxTopics) this.#byTopic.clear()
    this.#byTopic.set(topic, found)
    return found
  }
}
