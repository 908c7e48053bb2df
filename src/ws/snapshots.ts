import type { Principal } from '../account/principal.ts'
import type { Clock } from '../kernel/clock.ts'
import type { LiveClient } from './live-client.ts'
import { encodeTail, topicKind } from './live-message.ts'

export interface SnapshotItem {
  readonly type: string
  readonly data: unknown
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
  readonly #clock: Clock
  readonly #providers = new Map<string, SnapshotProvider>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  provide(topic: string, provider: SnapshotProvider): void {
    this.#providers.set(topic, provider)
  }

  send(client: LiveClient, topic: string): void {
    const kind = topicKind(topic)
    const id = topic.slice(kind.length + 1)
    const provider = this.#providers.get(id === '' ? kind : `${kind}/ID`)
    const { principal } = client
    if (provider === undefined || principal === undefined || !client.awaitSnapshot(topic)) return
    this.#make(topic, provider, { principal, id }).then(
      snapshot => client.snapshotMade(topic, snapshot),
      (thrown: unknown) => {
        client.snapshotMade(topic, [])
        client.tellError(thrown)
      },
    )
  }

  async #make(
    topic: string,
    provider: SnapshotProvider,
    of: Parameters<SnapshotProvider>[0],
  ): Promise<readonly Buffer[]> {
    const items = await provider(of)
    const now = this.#clock.wallTime()
    return items.map(({ type, data }) => encodeTail(now, topic, type, data))
  }
}
