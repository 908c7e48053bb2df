import { Readable } from 'node:stream'
import type { AedesPublishPacket, Client } from 'aedes'
import type { MqttPrincipal } from '../account/mqtt-users.ts'
import type { Log } from '../kernel/log.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { Outgoing } from './session-queue.ts'
import type { Sessions } from './sessions.ts'

type ClientId = Pick<Client, 'id'>
type Filter = { topic: string; qos: 0 | 1 | 2 }

/** Clients whose incoming identifiers are remembered. */
const maxIncomingClients = 1024

/** Broker-wide state as aedes asks for it. Wills need no place here: aedes keeps them with their connections. */
export class Persistence {
  readonly #retained: RetainedMessages
  readonly #sessions: Sessions
  readonly #log: Log
  readonly #principalOf: (clientId: string) => MqttPrincipal | undefined
  readonly #maySubscribe: (principal: MqttPrincipal, filter: string) => boolean
  /** Packet identifiers of QoS 2 messages whose PUBREL is still to come; aedes caps them at 1,000 a client. */
  readonly #incoming = new Map<string, Set<number>>()

  constructor(parts: {
    readonly retained: RetainedMessages
    readonly sessions: Sessions
    readonly log: Log
    readonly principalOf: (clientId: string) => MqttPrincipal | undefined
    readonly maySubscribe: (principal: MqttPrincipal, filter: string) => boolean
  }) {
    this.#retained = parts.retained
    this.#sessions = parts.sessions
    this.#log = parts.log
    this.#principalOf = parts.principalOf
    this.#maySubscribe = parts.maySubscribe
  }

  async setup(): Promise<void> {}

  async storeRetained(packet: AedesPublishPacket): Promise<void> {
    if (!this.#retained.set(packet))
      this.#log.warn({ topic: packet.topic }, 'no room for another retained message')
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#retained.matching(filters))
  }

  /** aedes hands in the whole packet, the refused filters too: only what may be subscribed lasts. */
  async addSubscriptions({ id }: ClientId, filters: readonly Filter[]): Promise<void> {
    const principal = this.#principalOf(id)
    if (principal === undefined) return
    const allowed = filters.filter(({ topic }) => this.#maySubscribe(principal, topic))
    this.#sessions.subscribe(id, principal, allowed)
  }

  async removeSubscriptions({ id }: ClientId, filters: readonly string[]): Promise<void> {
    this.#sessions.unsubscribe(id, filters)
  }

  async subscriptionsByClient({ id }: ClientId): Promise<Filter[]> {
    return this.#sessions.resume(id)
  }

  async cleanSubscriptions({ id }: ClientId): Promise<void> {
    this.#sessions.end(id)
    this.#incoming.delete(id)
  }

  async subscriptionsByTopic(topic: string): Promise<({ clientId: string } & Filter)[]> {
    return this.#sessions.receivers(topic)
  }

  async outgoingEnqueueCombi(
    receivers: readonly ({ clientId: string } & Filter)[],
    packet: AedesPublishPacket,
  ): Promise<void> {
    for (const { clientId, qos } of receivers) {
      const granted = Math.min(packet.qos, qos) as 0 | 1 | 2
      this.#sessions.enqueue(clientId, { ...packet, qos: granted } as AedesPublishPacket)
    }
  }

  async outgoingUpdate({ id }: ClientId, packet: Outgoing): Promise<void> {
    if (!this.#sessions.update(id, packet)) throw new Error('there was no room for the message')
  }

  async outgoingClearMessageId({ id }: ClientId, packet: Outgoing): Promise<Outgoing | undefined> {
    // Held back until its turn has come, not refused.
    const queue = this.#sessions.queue(id)
    if (packet.messageId === undefined && queue?.replaying === true) return undefined
    return queue?.acknowledge(packet)
  }

  outgoingStream({ id }: ClientId): Readable {
    return Readable.from(this.#sessions.queue(id)?.replay() ?? [])
  }

  async incomingStorePacket({ id }: ClientId, { messageId }: Outgoing): Promise<void> {
    const known = this.#incoming.get(id) ?? new Set()
    this.#incoming.set(id, known)
    if (messageId !== undefined) known.add(messageId)
    const [oldest] = this.#incoming.keys()
    if (this.#incoming.size > maxIncomingClients && oldest !== undefined) this.#incoming.delete(oldest)
  }

  /** Rejects when it is not there: a message that is new. */
  async incomingGetPacket({ id }: ClientId, packet: Outgoing): Promise<Outgoing> {
    if (this.#incoming.get(id)?.has(packet.messageId ?? 0) === true) return packet
    throw new Error('no such packet')
  }

  async incomingDelPacket({ id }: ClientId, { messageId }: Outgoing): Promise<void> {
    const known = this.#incoming.get(id)
    if (known?.delete(messageId ?? 0) !== true) throw new Error('no such packet')
    if (known.size === 0) this.#incoming.delete(id)
  }

  async cleanIncoming({ id }: ClientId): Promise<void> {
    this.#incoming.delete(id)
  }

  async putWill(): Promise<void> {}

  async delWill(): Promise<void> {}

  streamWill(): Readable {
    return Readable.from([])
  }
}
