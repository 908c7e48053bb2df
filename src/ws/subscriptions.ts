import type { LiveClient } from './live-client.ts'

const nobody: ReadonlySet<LiveClient> = new Set()

/** Who hears which topic. */
export class Subscriptions {
  readonly #byTopic = new Map<string, Set<LiveClient>>()

  of(topic: string): ReadonlySet<LiveClient> {
    return this.#byTopic.get(topic) ?? nobody
  }

  add(client: LiveClient, topic: string): void {
    client.topics.add(topic)
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
    for (const topic of [...client.topics]) this.remove(client, topic)
  }

  /** Everybody who hears something. */
  clients(): ReadonlySet<LiveClient> {
    return new Set([...this.#byTopic.values()].flatMap(clients => [...clients]))
  }
}
