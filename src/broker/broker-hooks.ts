import type { AedesOptions, AuthenticateError, Client, PublishPacket } from 'aedes'
import type { MqttPrincipal, MqttUsers } from '../account/mqtt-users.ts'
import { admit } from './admission.ts'
import { keepsBridgeState } from './bridge-state.ts'
import type { BrokerMessage, ClientEvent, SubscribedEvent } from './broker-port.ts'
import { GuardedStream } from './connection/guarded-stream.ts'
import type { MessageBroker } from './connection/incoming.ts'
import { pubrecIsDue } from './connection/pubrec-order.ts'
import type { Accepting } from './memory/persistence.ts'
import { decide, type PolicyWorld } from './policy.ts'
import { isRefused, Refusals, type RefusalsParts } from './refusals.ts'
import { enterAtOnce, mayEnterAtOnce } from './short-entry.ts'
import { type Qos, Subscriptions } from './subscriptions.ts'
import type { Delivery, TopicEmitter } from './topics/topic-emitter.ts'
import type { Traffic } from './traffic.ts'

/** Boards retain a few words about themselves. */
const maxRetainedBytes = 16 * 1024

type Hooks = Required<
  Pick<
    AedesOptions,
    | 'preConnect'
    | 'authenticate'
    | 'authorizePublish'
    | 'authorizeSubscribe'
    | 'authorizeForward'
    | 'published'
  >
>

export interface HookParts extends RefusalsParts {
  readonly users: Pick<MqttUsers, 'authenticate'>
  readonly world: PolicyWorld
  readonly traffic: Traffic
  readonly emitter: TopicEmitter<GuardedStream>
  /** Whether what a client missed is still being sent to it. */
  readonly replaying: (clientId: string) => boolean
  /** Whether something was kept of a session of this client. */
  readonly hasSession: (clientId: string) => boolean
  /** Whether anything is kept of this client: a session, a will, messages under way. */
  readonly knows: (clientId: string) => boolean
  readonly onClient: (event: ClientEvent) => void
  /** The connection of a client has ended, whether it was let in or not. */
  readonly onClosed: (clientId: string) => void
  /** Makes what has to outlast the gateway durable, then calls `settle`; at once when nothing has to. */
  readonly accept: (accepting: Accepting, settle: (fault?: Error | null) => void) => void
  /** The identifier under which a lasting session is sent a message now, 0 for any; undefined: not now. */
  readonly idToSend: (clientId: string, packet: PublishPacket) => number | undefined
  readonly onSubscribed: (event: SubscribedEvent) => void
  /** Before a message is acknowledged; undefined: nobody has to be waited for. */
  readonly onAccepting: (message: BrokerMessage) => Promise<unknown> | undefined
  /** A message was published: of a client, as a will, or by the gateway. */
  readonly onPublished: (message: BrokerMessage) => void
}

/** The one policy on every path through aedes, and who is connected as what. */
export class BrokerHooks {
  readonly #parts: HookParts
  readonly #refusals: Refusals
  readonly #connected = new Map<string, GuardedStream>()
  /** Told as connected, and not as gone since. */
  readonly #told = new Set<string>()

  constructor(parts: HookParts) {
    this.#parts = parts
    this.#refusals = new Refusals(parts)
  }

  principalOf(clientId: string): MqttPrincipal | undefined {
    return this.#connected.get(clientId)?.principal
  }

  connected(clientId: string): boolean {
    return this.#connected.has(clientId)
  }

  get count(): number {
    return this.#connected.size
  }

  /** Filters of the connected clients that are meant. */
  filterCount(isMeant: (clientId: string) => boolean): number {
    let count = 0
    for (const [clientId, stream] of this.#connected)
      if (isMeant(clientId)) count += stream.subscriptions?.filters.length ?? 0
    return count
  }

  clientIds(): Iterable<string> {
    return this.#connected.keys()
  }

  /** CONNACK is on its way: what the client says from now on counts. */
  letIn(client: Client, broker: MessageBroker): void {
    const stream = streamOf(client)
    // It has gone meanwhile, or another one of its name has come.
    if (stream === undefined || stream.destroyed) return
    stream.open(client, broker)
    this.#told.add(client.id)
    this.#tell('connected', stream, client.id)
    // Of a session that was kept.
    this.subscribed(client)
  }

  subscribed(client: Client): void {
    const stream = streamOf(client)
    const filters = stream?.subscriptions?.filters ?? []
    if (stream?.principal === undefined || !stream.isOpen || filters.length === 0) return
    const { principal: who, address } = stream
    this.#parts.onSubscribed({ who, clientId: client.id, address, filters })
  }

  closed(stream: GuardedStream): void {
    const { admission } = stream
    if (admission?.ok !== true || this.#connected.get(admission.value.clientId) !== stream) return
    const { clientId } = admission.value
    this.#connected.delete(clientId)
    this.#parts.onClosed(clientId)
    if (this.#told.delete(clientId)) this.#tell('left', stream, clientId)
  }

  unsubscribed(client: Client, filters: readonly string[]): void {
    const stream = streamOf(client)
    for (const filter of filters) stream?.subscriptions?.delete(filter)
  }

  readonly hooks: Hooks = {
    preConnect: (client, packet, done) => {
      const { users, world } = this.#parts
      const stream = streamOf(client)
      if (stream === undefined) return done(null, false)
      const admission = admit(users, world, packet, stream.door)
      stream.admission = admission
      // A turn of the loop passes until it is authenticated: a credential that is revoked meanwhile ends it.
      if (admission.ok) stream.principal = admission.value.principal
      stream.isBridge = (packet as { bridgeMode?: boolean }).bridgeMode === true
      if (!admission.ok && !this.#refusals.client(stream, packet.username, admission.fault))
        return done(null, false)
      // aedes would set a timer anew for each packet; the guard looks at its clock.
      stream.keepAlive(packet.keepalive ?? 0)
      packet.keepalive = 0
      packet.clientId = admission.ok ? admission.value.clientId : `refused/${stream.id}`
      if (!admission.ok || !mayEnterAtOnce(client, packet, this.#parts.knows)) return done(null, true)
      this.#enter(stream, packet.clientId)
      enterAtOnce(client, packet)
      // aedes reads on, and its parser is still at this packet.
      process.nextTick(done, null, false)
    },

    authenticate: (client, _name, _password, done) => {
      const stream = streamOf(client)
      const admission = stream?.admission
      if (stream === undefined || admission === undefined) return done(refusalError(5, 'nobody'), false)
      if (!admission.ok) return done(refusalError(admission.fault.returnCode, admission.fault.reason), false)
      // It has gone, and nobody would tell so again.
      if (stream.destroyed) return done(refusalError(5, 'gone'), false)
      const { clientId } = admission.value
      stream.answers.sessionPresent = !client.clean && this.#parts.hasSession(clientId)
      this.#enter(stream, clientId)
      done(null, true)
    },

    authorizePublish: (client, packet, done) => {
      const stream = streamOf(client)
      if (stream === undefined) return done(new Error('nobody may publish this'))
      this.#parts.traffic.count('in', packet.payload.length)
      const { topic, retain } = packet
      const payload = bufferOf(packet.payload)
      const verdict = decide(this.#parts.world, stream.principal, { type: 'publish', topic, retain })
      const isPassing =
        !verdict.allowed &&
        client !== null &&
        keepsBridgeState(stream.principal, client.id, { topic, payload })
      if (!verdict.allowed && !isPassing) this.#refusals.message(stream, packet, payload, verdict.reason)
      else if (retain && payload.length > maxRetainedBytes)
        this.#refusals.message(stream, packet, payload, 'too large to be retained')
      else if (client !== null && stream.principal !== undefined) {
        const accepting = { client, who: stream.principal, packet, isBridge: stream.isBridge, isPassing }
        const waiting =
          packet.qos > 0 && !isPassing
            ? this.#parts.onAccepting(messageOf(packet, stream.principal, client.id))
            : undefined
        if (waiting === undefined) return this.#parts.accept(accepting, done)
        return void waiting.then(() => this.#parts.accept(accepting, done), done)
      }
      done(null)
    },

    authorizeSubscribe: (client, subscription, done) => {
      const stream = streamOf(client)
      const { topic: filter, qos } = subscription
      const verdict = decide(this.#parts.world, stream?.principal, { type: 'subscribe', filter })
      // Of filters that overlap aedes takes the one that comes first: all are made equal, and `authorizeForward` lowers the QoS.
      if (verdict.allowed && stream?.subscriptions?.add(filter, qos) === true) {
        // What is stored for nobody needs nothing of aedes from here on.
        // A bridge wants RETAIN as it was, and nothing of its own: that is for aedes.
        if (client.clean && !stream?.isBridge) this.#parts.emitter.subscribing = stream
        done(null, { ...subscription, qos: 2 })
        this.#parts.emitter.subscribing = undefined
        return
      }
      this.#refusals.subscription(stream, filter, verdict.allowed ? 'too many filters' : verdict.reason)
      done(null, null)
    },

    // What comes by aedes' way: from and for a lasting session, or retained.
    authorizeForward: (client, packet) => {
      const stream = streamOf(client)
      const access = stream?.subscriptions?.access(packet.topic)
      const delivery = this.#parts.emitter.current
      if (stream === undefined || (delivery !== undefined && stream.lastDelivery === delivery)) return null
      // aedes would make an error for each retained message that is left, and V8 keeps with an error who called: under a storm of
      // connections that break, each error would keep the one before it for ever. What has an identifier is its session's to keep.
      if (packet.messageId === undefined && (client.closed || stream.destroyed)) return null
      if (delivery !== undefined) packet.brokerCounter = delivery.brokerCounter
      if (access?.allowed !== true || this.#tooEarly(stream, client, packet)) return null
      const isRepeated = packet.messageId !== undefined && packet.qos > 0
      if (!isRepeated && access.granted === undefined) return null
      if (delivery !== undefined) stream.lastDelivery = delivery
      // Anew for this client: the highest QoS of all its filters that fit [MQTT-3.3.5-1], no DUP of the sender's [MQTT-3.3.1-3].
      const qos = isRepeated ? packet.qos : lower(packet.qos, access.granted)
      // RETAIN is left only for a bridge; what is encoded for all has none.
      if (delivery !== undefined && qos === 0 && !packet.retain) {
        this.#send(stream, delivery, 0)
        return null
      }
      if (!isRepeated) {
        packet.qos = qos
        packet.dup = false
        if (qos > 0) {
          // The queue of a lasting session has the say: what is not there was sent already, or waits for its turn.
          const id = client.clean ? stream.nextId(qos as 1 | 2) : this.#parts.idToSend(client.id, packet)
          if (id === undefined) return null
          packet.messageId = id
        }
      }
      this.#parts.traffic.count('out', packet.payload.length)
      if (!client.clean && qos > 0) stream.expect(qos as 1 | 2)
      return packet
    },

    published: (packet, client, done) => {
      const { principal } = streamOf(client) ?? {}
      if (!isRefused(packet) && (client === null || principal !== undefined))
        this.#parts.onPublished(messageOf(packet, principal, client?.id))
      if (client === null || packet.qos !== 2) return done(null)
      pubrecIsDue(client, packet.messageId, () => done(null))
    },
  }

  #enter(stream: GuardedStream, clientId: string): void {
    const mayReceive = (topic: string) =>
      decide(this.#parts.world, stream.principal, { type: 'receive', topic }).allowed
    stream.subscriptions = new Subscriptions(mayReceive)
    const before = this.#connected.get(clientId)
    this.#connected.set(clientId, stream)
    // aedes closes it too, but later, and not if it knows two of them [MQTT-3.1.4-2].
    before?.destroy()
  }

  /**
   * aedes restores the filters of a session before it sends CONNACK and what was missed: a new message would come before
   * both, and a second time from the queue. The queue sends it in its turn; one of QoS 0 is missed like those before.
   */
  #tooEarly(stream: GuardedStream, client: Client, { qos, retain, messageId }: PublishPacket): boolean {
    if (qos === 0) return !stream.isOpen
    return !retain && messageId === undefined && this.#parts.replaying(client.id)
  }

  /** A message of this moment, for a connection that nothing is stored for. */
  receive(stream: GuardedStream, delivery: Delivery): void {
    const access = stream.subscriptions?.access(delivery.topic)
    // Another filter of it may have brought the message already.
    if (access?.allowed !== true || access.granted === undefined || stream.lastDelivery === delivery) return
    stream.lastDelivery = delivery
    this.#send(stream, delivery, lower(delivery.qos, access.granted))
  }

  #send(stream: GuardedStream, delivery: Delivery, qos: Qos): void {
    this.#parts.traffic.count('out', delivery.payloadBytes)
    stream.deliver(delivery.encoded, qos)
    if (stream.slow) this.#waitFor(stream, delivery)
  }

  /** The message counts as delivered, and its publisher may go on, when the receiver has room again or is gone. */
  #waitFor(receiver: GuardedStream, delivery: Delivery): void {
    const publisher = delivery.clientId === undefined ? undefined : this.#connected.get(delivery.clientId)
    if (receiver.isHeldWith(publisher)) return
    delivery.expect()
    publisher?.hold()
    receiver.whenRoom(() => {
      publisher?.release()
      delivery.served()
    })
  }

  #tell(type: ClientEvent['type'], { principal, address }: GuardedStream, clientId: string): void {
    if (principal !== undefined) this.#parts.onClient({ type, who: principal, clientId, address })
  }
}

const streamOf = (client: Client | null): GuardedStream | undefined =>
  client?.conn instanceof GuardedStream ? client.conn : undefined

const messageOf = (
  { topic, payload, qos, retain }: PublishPacket,
  who: MqttPrincipal | undefined,
  clientId: string | undefined,
): BrokerMessage => ({
  who,
  clientId,
  topic,
  payload: bufferOf(payload),
  qos,
  retain,
})

const lower = (qos: Qos, granted: Qos = 0): Qos => (granted < qos ? granted : qos)

const bufferOf = (payload: string | Buffer): Buffer =>
  typeof payload === 'string' ? Buffer.from(payload) : payload

const refusalError = (returnCode: number, reason: string): AuthenticateError =>
  Object.assign(new Error(reason), { returnCode })
