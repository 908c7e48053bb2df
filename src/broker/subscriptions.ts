import { sessionLimits } from './memory/sessions.ts'
import { matches } from './topics/topic-filter.ts'

export type Qos = 0 | 1 | 2

/** What one connection may have of a topic. */
interface TopicAccess {
  readonly allowed: boolean
  /** The highest QoS of its filters that fit; undefined: none does. */
  readonly granted: Qos | undefined
}

/** Topics whose decision is remembered. */
const maxTopics = 256

/** The filters of one connection with the QoS it asked for, and what follows from them for each topic. */
export class Subscriptions {
  readonly #mayReceive: (topic: string) => boolean
  readonly #filters = new Map<string, Qos>()
  /** Who loses a right loses the connection as well, so that nothing here gets stale. */
  readonly #topics = new Map<string, TopicAccess>()

  constructor(mayReceive: (topic: string) => boolean) {
    this.#mayReceive = mayReceive
  }

  get filters(): readonly string[] {
    return [...this.#filters.keys()]
  }

  /** False: there are too many. */
  add(filter: string, qos: Qos): boolean {
    if (this.#filters.size >= sessionLimits.filters && !this.#filters.has(filter)) return false
    this.#filters.set(filter, qos)
    this.#topics.clear()
    return true
  }

  delete(filter: string): void {
    this.#filters.delete(filter)
    this.#topics.clear()
  }

  access(topic: string): TopicAccess {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    if (this.#topics.size >= maxTopics) this.#topics.clear()
    const found = { allowed: this.#mayReceive(topic), granted: this.#granted(topic) }
    this.#topics.set(topic, found)
    return found
  }

  #granted(topic: string): Qos | undefined {
    let best: Qos | undefined
    for (const [filter, qos] of this.#filters) if (qos > (best ?? -1) && matches(filter, topic)) best = qos
    return best
  }
}
