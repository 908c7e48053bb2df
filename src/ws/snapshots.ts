import type { Principal } from '../account/principal.ts'
import type { LiveClient } from './live-client.ts'
import { topicKind } from './live-message.ts'

export interface SnapshotItem {
  readonly type: string
  readonly data: unknown
  /** There will be nothing more to say on the topic. */
  readonly last?: boolean
}

/** What a topic is at this moment, as messages of the same kind. `id` is that of `jobs/ID`, else empty. */
export type SnapshotProvider = (of: {
  readonly principal: Principal
  readonly id: string
}) => Promise<readonly SnapshotItem[]> | readonly SnapshotItem[]

/**
 * What a client gets right after it has subscribed; news of the topic wait for it, so that the newest comes
 * last.
 */
export class Snapshots {
  readonly #providers = new Map<string, SnapshotProvider>()

  provide(topic: string, provider: SnapshotProvider): void {
    this.#providers.set(topic, provider)
  }

  /** What the topic is now; undefined: nothing is known about it. */
  async make(topic: string, principal: Principal): Promise<readonly SnapshotItem[] | undefined> {
    const kind = topicKind(topic)
    const id = topic.slice(kind.length + 1)
    return this.#providers.get(id === '' ? kind : `${kind}/ID`)?.({ principal, id })
  }

  send(client: LiveClient, topic: string): void {
    const kind = topicKind(topic)
    const { principal } = client
    const known = this.#providers.has(topic === kind ? kind : `${kind}/ID`)
    const held = known && principal !== undefined ? client.feed.awaitSnapshot(topic) : undefined
    if (held === undefined || principal === undefined) return
    this.make(topic, principal).then(
      (items = []) => client.snapshotMade(topic, held, items),
      (thrown: unknown) => {
        client.feed.snapshotMade(topic, held, [])
        client.tellError(thrown)
      },
    )
  }
}
