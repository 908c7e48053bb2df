import { Readable } from 'node:stream'
import type { AedesPublishPacket } from 'aedes'
import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { Log } from '../../kernel/log.ts'
import type { Change } from '../../store/broker/changes.ts'
import { pubrecBegins } from '../connection/pubrec-order.ts'
import type { Journal } from './journal.ts'
import { copyOf } from './kept-message.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { Outgoing } from './session-queue.ts'
import type { Sessions } from './sessions.ts'
import type { LastingSubscription } from './subscription-tree.ts'
import type { Will, Wills } from './wills.ts'

/** As aedes hands it in; a session's own is without `clean` and `closed`. */
interface ClientId {
  readonly id: string
  readonly clean?: boolean
  readonly closed?: boolean
  readonly brokerId?: string
  readonly conn?: { destroy(error: Error): unknown }
}
type Filter = Omit<LastingSubscription, 'clientId'>

export interface PersistenceParts {
  readonly retained: RetainedMessages
  readonly sessions: Sessions
  readonly wills: Wills
  readonly journal: Journal
  readonly log: Log
  /** Whether messages of a topic are queued at all. */
  readonly keeps: (topic: string) => boolean
  readonly connected: (clientId: string) => boolean
  readonly principalOf: (clientId: string) => MqttPrincipal | undefined
  readonly maySubscribe: (principal: MqttPrincipal, filter: string) => boolean
}

/** What `accept` was given: a publish of a client, or its will. */
export interface Accepting {
  readonly client: ClientId
  readonly who: MqttPrincipal
  /** Nothing of its own waits for it. */
  readonly isBridge?: boolean
  /** Retained in memory alone: what a bridge says of itself, which it says anew. */
  readonly isPassing?: boolean
  readonly packet: {
    topic: string
    payload: Buffer | string
    readonly qos: 0 | 1 | 2
    readonly retain: boolean
    messageId?: number | undefined
  }
}

const done: Promise<undefined> = Promise.resolve(undefined)
/** Calls back without a turn between: a retained message must not come behind one that was sent later [MQTT-4.6.0-6]. */
const atOnce = {
  // biome-ignore lint/suspicious/noThenProperty: aedes calls `then` and nothing else
  then: (settle: () => void) => settle(),
} as Promise<undefined>
/** Costs less than `Readable.from([])`. */
class Nothing extends Readable {
  constructor() {
    super({ objectMode: true, highWaterMark: 1 })
  }

  override _read(): void {
    this.push(null)
  }
}

const nobody: readonly LastingSubscription[] = []
const unknown = new Error('no such packet')

/** Broker-wide state as aedes asks for it, and the journal that is written before a message is acknowledged. */
export class Persistence {
  readonly #parts: PersistenceParts
  /** aedes is not to tell what is retained: `RetainedReplay` does. */
  retainedGoPastAedes = false
  /** As aedes has given itself. */
  broker: { readonly id: string } | undefined
  /** Payloads of messages that `accept` has dealt with, until aedes gets to them; it never does for a client that is gone by then. */
  readonly #accepted = new WeakSet<object>()
  /** Of each client the last of its messages that waits for the disk: the next ones keep their order behind it. */
  readonly #tickets = new Map<string, number>()

  constructor(parts: PersistenceParts) {
    this.#parts = parts
  }

  async setup(broker: { readonly id: string }): Promise<void> {
    this.broker = broker
  }

  /**
   * Before a message is acknowledged and published. `settle` is called when everything that has to outlast the gateway is on
   * the disk, at once if nothing has to; with an error the message must be neither acknowledged nor published.
   */
  accept(accepting: Accepting, settle: (fault?: Error | null) => void): void {
    const { client, who, packet, isBridge = false, isPassing = false } = accepting
    const { sessions, journal, retained, log } = this.#parts
    const { qos, messageId } = packet
    // A client's is one; only an object can be remembered.
    if (typeof packet.payload === 'string') packet.payload = Buffer.from(packet.payload)
    const wanted = qos === 0 || !this.#parts.keeps(packet.topic) ? nobody : sessions.matching(packet.topic)
    const receivers = isBridge ? wanted.filter(({ clientId }) => clientId !== client.id) : wanted
    const once = qos === 2 && messageId !== undefined
    if (receivers.length === 0 && !packet.retain && !(once && client.clean === false)) {
      if (wanted.length > 0) this.#accepted.add(Object(packet.payload))
      return qos === 0 ? settle(null) : this.#inOrder(client.id, settle)
    }
    const changes: Change[] = []
    if (once) {
      const begun = sessions.incoming.begin(client.id, messageId, packet.payload)
      if (begun === 'known') return this.#inOrder(client.id, settle)
      if (begun === 'full') return settle(new Error('too many QoS 2 messages without PUBREL'))
      if (client.clean === false)
        changes.push({ name: 'putIncoming', args: [sessions.begin(client.id, who).id, messageId] })
    }
    const given = packet.payload
    const placed = sessions.place(packet, receivers, journal.lasting)
    if (placed !== undefined) changes.push(...placed.changes)
    if (packet.retain) {
      if (packet.payload === given) packet.payload = copyOf(given)
      const set = retained.set(packet as AedesPublishPacket, isPassing ? undefined : who.name, who.name)
      if (!set.kept) log.warn({ topic: packet.topic, user: who.name }, 'no room for another retained message')
      if (qos === 0) journal.note(...set.changes)
      else changes.push(...set.changes)
    }
    if (once) sessions.incoming.identify(client.id, messageId, packet.payload)
    if (wanted.length > 0 || packet.retain) this.#accepted.add(Object(packet.payload))
    if (qos === 0) return settle(null)
    const told = (fault: Error | undefined) => {
      if (placed !== undefined) sessions.settle(placed, fault === undefined)
      if (fault === undefined) return settle(null)
      this.#accepted.delete(Object(packet.payload))
      if (once) sessions.incoming.remove(client.id, messageId)
      // As it is now: another message may have come to the topic since.
      if (packet.retain) journal.note(...retained.changesOf(packet.topic))
      settle(fault)
    }
    if (journal.waiting === 0) this.#tickets.clear()
    journal.add(changes, told)
    if (!journal.hasTold(journal.lastTicket)) this.#tickets.set(client.id, journal.lastTicket)
  }

  /** The identifier under which a lasting session is sent a message now, 0 for any; undefined: not now, or not at all. */
  idToSend(
    clientId: string,
    packet: { topic: string; payload: Buffer | string; retain: boolean; brokerId?: string | null },
  ): number | undefined {
    const { topic, payload, retain } = packet
    const queue = this.#parts.sessions.queue(clientId)
    if (queue === undefined) return 0
    // What was retained comes with the subscription; it is sent once and not queued.
    // A bridge gets new ones with RETAIN as well; those have the id of the broker.
    const wasRetained = retain && (packet.brokerId ?? null) === null
    if (wasRetained || !this.#parts.keeps(topic)) return queue.passingId()
    return queue.replaying ? undefined : queue.idToSend(payload)
  }

  /** Of the gateway's own messages none is known here yet; they are not stored. */
  storeRetained(packet: AedesPublishPacket): Promise<void> {
    const { retained, journal, log } = this.#parts
    if (this.#accepted.has(Object(packet.payload))) {
      if (packet.qos === 0) this.#accepted.delete(Object(packet.payload))
      return atOnce
    }
    const { kept, changes } = retained.set(packet, undefined)
    journal.note(...changes)
    if (!kept) log.warn({ topic: packet.topic }, 'no room for another retained message')
    return atOnce
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    if (this.retainedGoPastAedes) return Readable.from([])
    return Readable.from(this.#parts.retained.matching(filters))
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  /** aedes hands in the whole packet, the refused filters too: only what may be subscribed lasts. */
  addSubscriptions(client: ClientId, filters: readonly Filter[]): Promise<ClientId> {
    const { principalOf, maySubscribe, sessions } = this.#parts
    const principal = principalOf(client.id)
    if (principal === undefined) return Promise.resolve(client)
    const allowed = filters.filter(({ topic }) => maySubscribe(principal, topic))
    return sessions.subscribe(client.id, principal, allowed).then(() => client)
  }

  removeSubscriptions(client: ClientId, filters: readonly string[]): Promise<ClientId> {
    return this.#parts.sessions.unsubscribe(client.id, filters).then(() => client)
  }

  async subscriptionsByClient({ id }: ClientId): Promise<Filter[]> {
    return this.#parts.sessions.resume(id)
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    return this.#parts.sessions.counts
  }

  cleanSubscriptions({ id }: ClientId): Promise<void> {
    this.#parts.sessions.end(id)
    return done
  }

  subscriptionsByTopic(topic: string): Promise<readonly LastingSubscription[]> {
    return Promise.resolve(this.#parts.keeps(topic) ? this.#parts.sessions.matching(topic) : nobody)
  }

  getClientList(filter: string): Readable {
    return Readable.from(this.#parts.sessions.clientsOf(filter))
  }

  outgoingEnqueue(
    receiver: { clientId: string; qos?: 0 | 1 | 2 },
    packet: AedesPublishPacket,
  ): Promise<void> {
    return this.outgoingEnqueueCombi([receiver], packet)
  }

  /** What a client has published is in the queues already. The gateway's own messages are put there now. */
  outgoingEnqueueCombi(
    receivers: readonly { readonly clientId: string; readonly qos?: 0 | 1 | 2 }[],
    packet: AedesPublishPacket,
  ): Promise<void> {
    if (this.#accepted.delete(Object(packet.payload)) || receivers.length === 0) return done
    const { sessions, journal, principalOf } = this.#parts
    const wanted = receivers.map(({ clientId, qos = packet.qos }) => {
      const principal = sessions.idOf(clientId) === undefined ? principalOf(clientId) : undefined
      if (principal !== undefined) sessions.begin(clientId, principal)
      return { clientId, qos, topic: '' }
    })
    const placed = sessions.place(packet, wanted, journal.lasting)
    if (placed === undefined) return done
    // Nobody waits for an acknowledgement: what cannot be stored is kept in memory and sent all the same.
    return new Promise(resolve =>
      journal.add(placed.changes, () => {
        sessions.settle(placed, true)
        resolve()
      }),
    )
  }

  /** A message is being sent, or became its PUBREL. */
  outgoingUpdate(client: ClientId, packet: Outgoing & { readonly qos?: number }): Promise<void> {
    const { sessions } = this.#parts
    const { messageId = 0, payload = '' } = packet
    if (packet.cmd === 'pubrel') return sessions.release(client.id, messageId)
    // Lowered for its receiver: nobody will acknowledge it.
    if (packet.qos === 0) return done
    const queue = sessions.queue(client.id)
    // What is sent again is a new object; its identifier is the old one.
    const entry = queue?.byPayload(payload) ?? queue?.byId(messageId)
    if (queue !== undefined && entry !== undefined) {
      if (entry.packetId !== messageId) sessions.rename(client.id, entry, messageId)
      queue.sent(entry, client)
    }
    return done
  }

  /** Without an identifier it was not sent; then it waits for its turn, or another filter of the client has brought it. */
  outgoingClearMessageId({ id }: ClientId, { messageId }: Outgoing): Promise<Outgoing | undefined> {
    const { sessions } = this.#parts
    if (messageId === undefined || sessions.queue(id) === undefined) return done
    return Promise.resolve(sessions.acknowledge(id, messageId))
  }

  /** aedes asks at every connection, and most have no session. */
  outgoingStream(client: ClientId): Readable {
    const queue = this.#parts.sessions.queue(client.id)
    return queue === undefined ? new Nothing() : Readable.from(queue.replay(client))
  }

  incomingStorePacket(client: ClientId, packet: Outgoing): Promise<void> {
    const { id, clean, closed } = client
    if (packet.messageId !== undefined) pubrecBegins(client, packet.messageId)
    if (clean !== true || closed !== true) this.#parts.sessions.incoming.store(id, packet)
    return done
  }

  /** Rejects when it is not there: a message that is new, or the end of one that has ended. */
  incomingGetPacket(client: ClientId, packet: Outgoing): Promise<Outgoing> {
    const { sessions, journal } = this.#parts
    const known = sessions.incoming.get(client.id, packet)
    if (known !== undefined) return Promise.resolve(known)
    const lasts = client.clean === false && sessions.idOf(client.id) !== undefined
    if (packet.cmd !== 'pubrel' || !lasts) return Promise.reject(unknown)
    // A PUBREL before may be on its way to the disk.
    return orCut(client, journal.must([])).then(() => Promise.reject(unknown))
  }

  /** Resolves when that is kept: the identifier may be used for another message after PUBCOMP. */
  incomingDelPacket(client: ClientId, { messageId = 0 }: Outgoing): Promise<void> {
    const { id, clean } = client
    const { sessions, journal } = this.#parts
    if (!sessions.incoming.remove(id, messageId)) return Promise.reject(unknown)
    const session = clean === true ? undefined : sessions.idOf(id)
    return session === undefined
      ? done
      : orCut(client, journal.must([{ name: 'dropOneIncoming', args: [session, messageId] }]))
  }

  cleanIncoming({ id }: ClientId): Promise<void> {
    const { sessions, journal } = this.#parts
    sessions.incoming.clear(id)
    const session = sessions.idOf(id)
    if (session !== undefined) journal.note({ name: 'dropIncoming', args: [session] })
    return done
  }

  putWill(client: ClientId, will: Will): Promise<ClientId> {
    will.brokerId = this.broker?.id ?? ''
    will.clientId = client.id
    this.#parts.wills.put(client, this.#parts.principalOf(client.id), will)
    return Promise.resolve(client)
  }

  async getWill({ id }: ClientId): Promise<Will | undefined> {
    return this.#parts.wills.get(id)
  }

  /** With the id of the broker: of a connection that has ended. By then the will may be that of the one that took over. */
  async delWill({ id, brokerId }: ClientId): Promise<Will | undefined> {
    const { wills } = this.#parts
    return brokerId !== undefined && wills.isOpen(id) ? undefined : wills.remove(id)
  }

  /** By the wall clock, which may jump, aedes can take its own broker for dead: who is connected is not. */
  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    const { wills, connected } = this.#parts
    const isLost = ({ brokerId = '', clientId = '' }: Will) =>
      brokers[brokerId] === undefined && !connected(clientId)
    return Readable.from(wills.all().filter(isLost))
  }

  /** A message that need not wait does so all the same while one of its client before it has to [MQTT-4.6.0-6]. */
  #inOrder(clientId: string, settle: (fault?: Error | null) => void): void {
    const { journal } = this.#parts
    const ticket = journal.waiting === 0 ? undefined : this.#tickets.get(clientId)
    if (ticket === undefined || journal.hasTold(ticket)) return settle(null)
    journal.add([], fault => settle(fault ?? null))
  }
}

/** aedes answers with PUBCOMP at a fault as well: so the connection ends, and aedes hears nothing more of it. */
const orCut = ({ conn }: ClientId, kept: Promise<void>): Promise<void> =>
  kept.catch((fault: Error) => {
    if (conn === undefined) throw fault
    conn.destroy(fault)
    return new Promise(() => undefined)
  })
