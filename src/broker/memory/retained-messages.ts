import type { AedesPublishPacket } from 'aedes'
import type { BrokerState } from '../../store/broker/broker-state.ts'
import type { Change } from '../../store/broker/changes.ts'
import { matches } from '../topics/topic-filter.ts'
import { copyOf, keptBytes } from './kept-message.ts'
import type { UserQuota } from './user-quota.ts'

interface Retained {
  readonly packet: AedesPublishPacket
  /** The user's name; undefined: it is not stored, since it is said anew after each start. */
  readonly owner: string | undefined
  /** Whose room it takes; undefined: the gateway's own. */
  readonly user: string | undefined
}

/** The last retained message of each topic. */
export class RetainedMessages {
  readonly #all = new Map<string, Retained>()
  readonly #quota: UserQuota

  constructor(quota: UserQuota) {
    this.#quota = quota
  }

  get count(): number {
    return this.#all.size
  }

  get sizeBytes(): number {
    return this.#quota.bytes
  }

  load({ retained }: BrokerState): void {
    for (const { topic, owner, qos, payload } of retained) {
      const packet = { cmd: 'publish', topic, payload: copyOf(payload), qos, retain: true, dup: false }
      this.#quota.force(owner, keptBytes(topic, payload as Buffer))
      this.#all.set(topic, { packet: packet as AedesPublishPacket, owner, user: owner })
    }
  }

  snapshot(): Change[] {
    return [...this.#all.values()].flatMap(each =>
      each.owner === undefined ? [] : [change(each.packet, each.owner)],
    )
  }

  /** Topics on which somebody has the last word. */
  ownedBy(name: string): readonly string[] {
    return [...this.#all].flatMap(([topic, each]) => (each.user === name ? [topic] : []))
  }

  /**
   * An empty payload removes (MQTT-3.3.1-10). Not kept: there is no room, and what stood there is gone. `changes` is what has
   * to be written.
   */
  set(
    packet: AedesPublishPacket,
    owner: string | undefined,
    user = owner,
  ): { readonly kept: boolean; readonly changes: readonly Change[] } {
    const { topic, payload } = packet
    const before = this.#all.get(topic)
    if (before !== undefined) {
      this.#quota.give(before.user, sizeOf(before))
      this.#all.delete(topic)
    }
    const unretain: Change[] = before?.owner === undefined ? [] : [{ name: 'unretain', args: [topic] }]
    if (payload.length === 0) return { kept: true, changes: unretain }
    if (!this.#quota.take(user, keptBytes(topic, payload))) return { kept: false, changes: unretain }
    const kept = { ...packet, payload: typeof payload === 'string' ? payload : copyOf(payload) }
    this.#all.set(topic, { packet: kept, owner, user })
    return { kept: true, changes: owner === undefined ? unretain : [change(kept, owner)] }
  }

  /** Brings the disk to what is kept of a topic, whatever it holds. */
  changesOf(topic: string): readonly Change[] {
    const each = this.#all.get(topic)
    return [each?.owner === undefined ? { name: 'unretain', args: [topic] } : change(each.packet, each.owner)]
  }

  /** The last word of a topic. */
  get(topic: string): AedesPublishPacket | undefined {
    return this.#all.get(topic)?.packet
  }

  /** As they are now. */
  matching(filters: readonly string[]): AedesPublishPacket[] {
    const found: AedesPublishPacket[] = []
    for (const { packet } of this.#all.values())
      if (filters.some(filter => matches(filter, packet.topic))) found.push(packet)
    return found
  }
}

const sizeOf = ({ packet }: Retained): number => keptBytes(packet.topic, packet.payload)

const change = ({ topic, qos, payload }: AedesPublishPacket, owner: string): Change => ({
  name: 'retain',
  args: [topic, owner, qos],
  payload: Buffer.from(payload),
})
