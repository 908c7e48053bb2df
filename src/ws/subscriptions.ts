import type { LiveFilter } from '../wire/live.ts'
import type { LiveClient } from './live-client.ts'

/** One topic of one client. */
export interface Subscription {
  readonly filter: LiveFilter | undefined
  /** Messages up to this number are not for it. */
  readonly from: number
  /** Of them it has had these already: after the first number, up to the second. */
  readonly had?: readonly [after: number, upTo: number]
}

const nobody: ReadonlySet<LiveClient> = new Set()

/** Who hears which topic. */
export class Subscriptions {
  readonly #byTopic = new Map<string, Set<LiveClient>>()

  of(topic: string): ReadonlySet<LiveClient> {
    return this.#byTopic.get(topic) ?? nobody
  }

  set(client: LiveClient, topic: string, subscription: Subscription): void {
    client.topics.set(topic, subscription)
    const clients = this.#byTopic.get(topic) ?? new Set()
    this.#byTopic.set(topic, clients.add(client))
  }

  remove(client: LiveClient, topic: string): void {
    client.topics.delete(topic)
    const clients = this.#byTopic.get(topic)
    clients?.delete(client)
    if (clients?.size === 0) this.#byTopic.delete(topic)
  }

  removeAll(client: LiveClient): void {
    for (const topic of [...client.topics.keys()]) this.remove(client, topic)
  }
}
