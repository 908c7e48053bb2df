import type { AedesOptions, AuthenticateError, Client, PublishPacket } from 'aedes'
import type { MqttPrincipal, MqttUsers } from '../account/mqtt-users.ts'
import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Result } from '../kernel/result.ts'
import { type Admission, admit, type Refusal } from './admission.ts'
import { GuardedStream } from './guarded-stream.ts'
import { decide, type PolicyWorld, type Verdict } from './policy.ts'
import { sessionLimits } from './sessions.ts'
import { matches } from './topic-filter.ts'
import type { Traffic } from './traffic.ts'

/** Wrong secrets from one address; beyond it there is neither an answer nor a line in the log. */
const failuresPerMinute = 20
/** Boards retain a few words about themselves. */
const maxRetainedBytes = 16 * 1024
/** Where messages end that nobody is to see. */
const nowhere = '$pixelgate/refused'

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

export interface HookParts {
  readonly users: Pick<MqttUsers, 'authenticate'>
  readonly world: PolicyWorld
  readonly clock: Clock
  readonly log: Log
  readonly traffic: Traffic
  readonly maxRefusalsPerMinute: number
  /** Whether what a client missed is still being sent to it. */
  readonly replaying: (clientId: string) => boolean
  /** The connection of this client has ended, and no other has taken its place. */
  readonly onLeft: (clientId: string) => void
  /** A message that was let through, also a will. */
  readonly onMessage: (who: MqttPrincipal, topic: string, payload: Buffer) => void
  /** A command that was not. */
  readonly onRefusedCommand: (topic: string, payload: Buffer, reason: 'retained_command' | 'command') => void
}

/** The one policy on every path through aedes, and who is connected as what. */
export class BrokerHooks {
  readonly #parts: HookParts
  readonly #failures: RateLimit
  readonly #refusals: RateLimit
  readonly #admissions = new WeakMap<GuardedStream, Result<Admission, Refusal>>()
  readonly #connected = new Map<string, GuardedStream>()
  /** Filters of each connection with the QoS it asked for. */
  readonly #filters = new WeakMap<GuardedStream, Map<string, 0 | 1 | 2>>()

  constructor(parts: HookParts) {
    this.#parts = parts
    this.#failures = new RateLimit({ limit: failuresPerMinute, perMs: 60_000 }, parts.clock)
    this.#refusals = new RateLimit({ limit: parts.maxRefusalsPerMinute, perMs: 60_000 }, parts.clock)
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

  /** CONNACK is on its way: what the client says from now on counts. */
  letIn(client: Client): void {
    streamOf(client)?.open()
  }

  closed(stream: GuardedStream): void {
    const admission = this.#admissions.get(stream)
    if (admission?.ok !== true || this.#connected.get(admission.value.clientId) !== stream) return
    this.#connected.delete(admission.value.clientId)
    this.#parts.onLeft(admission.value.clientId)
  }

  unsubscribed(client: Client, filters: readonly string[]): void {
    const stream = streamOf(client)
    for (const filter of filters) stream && this.#filters.get(stream)?.delete(filter)
  }

  readonly hooks: Hooks = {
    preConnect: (client, packet, done) => {
      const { users, world } = this.#parts
      const stream = streamOf(client)
      if (stream === undefined) return done(null, false)
      const admission = admit(users, world, packet, stream.anonymous)
      this.#admissions.set(stream, admission)
      if (!admission.ok && !this.#report(stream, packet.username, admission.fault)) return done(null, false)
      packet.clientId = admission.ok ? admission.value.clientId : `refused/${stream.id}`
      done(null, true)
    },

    authenticate: (client, _name, _password, done) => {
      const stream = streamOf(client)
      const admission = stream && this.#admissions.get(stream)
      if (stream === undefined || admission === undefined) return done(refusalError(5, 'nobody'), false)
      if (!admission.ok) return done(refusalError(admission.fault.returnCode, admission.fault.reason), false)
      stream.principal = admission.value.principal
      this.#filters.set(stream, new Map())
      this.#connected.set(admission.value.clientId, stream)
      done(null, true)
    },

    authorizePublish: (client, packet, done) => {
      const stream = streamOf(client)
      if (stream === undefined) return done(new Error('nobody may publish this'))
      this.#parts.traffic.count('in')
      const { topic, retain } = packet
      const payload = Buffer.from(packet.payload)
      const verdict = decide(this.#parts.world, stream.principal, { type: 'publish', topic, retain })
      if (!verdict.allowed) this.#refuse(stream, packet, payload, verdict)
      else if (retain && payload.length > maxRetainedBytes) this.#refuse(stream, packet, payload)
      done(null)
    },

    authorizeSubscribe: (client, subscription, done) => {
      const stream = streamOf(client)
      const filters = stream && this.#filters.get(stream)
      const { topic: filter, qos } = subscription
      const verdict = decide(this.#parts.world, stream?.principal, { type: 'subscribe', filter })
      const full = filters === undefined || (filters.size >= sessionLimits.filters && !filters.has(filter))
      if (verdict.allowed && !full) {
        filters.set(filter, qos)
        return done(null, subscription)
      }
      this.#parts.log.info(
        { ...identity(stream), filter, reason: verdict.allowed ? 'too many filters' : verdict.reason },
        'an MQTT subscription was refused',
      )
      done(null, null)
    },

    authorizeForward: (client, packet) => {
      const stream = streamOf(client)
      const act = { type: 'receive', topic: packet.topic } as const
      if (!decide(this.#parts.world, stream?.principal, act).allowed) return null
      if (stream === undefined || this.#tooEarly(stream, client, packet)) return null
      this.#parts.traffic.count('out')
      // aedes lowers the QoS to that of the subscription only where the filter is the topic itself [MQTT-3.8.4-6].
      const granted = this.#granted(stream, packet.topic)
      if (granted > 0 && granted < packet.qos) packet.qos = granted
      return packet
    },

    published: (packet, client, done) => {
      const { principal } = streamOf(client) ?? {}
      if (principal !== undefined && packet.topic !== nowhere)
        this.#parts.onMessage(principal, packet.topic, Buffer.from(packet.payload))
      done(null)
    },
  }

  /**
   * aedes restores the filters of a session before it sends CONNACK and what was missed: a new message would come before
   * both, and a second time from the queue. The queue sends it in its turn; one of QoS 0 is missed like those before.
   */
  #tooEarly(stream: GuardedStream, client: Client, { qos, retain, messageId }: PublishPacket): boolean {
    if (qos === 0) return !stream.isOpen
    return !retain && messageId === undefined && this.#parts.replaying(client.id)
  }

  #granted(stream: GuardedStream, topic: string): 0 | 1 | 2 {
    let best: 0 | 1 | 2 = 0
    for (const [filter, qos] of this.#filters.get(stream) ?? [])
      if (qos > best && matches(filter, topic)) best = qos
    return best
  }

  /** False: there have been so many failures from there that it is cut off without an answer. */
  #report(stream: GuardedStream, userName: string | undefined, { returnCode, reason }: Refusal): boolean {
    const { address } = stream
    const known = returnCode === 4 ? this.#failures.take(address) : 0
    if (known > 0) {
      stream.destroy()
      return false
    }
    this.#parts.log.warn(
      { address, user: userName ?? null, returnCode, reason },
      'an MQTT client was not let in',
    )
    return true
  }

  /** MQTT 3.1.1 has no word for it: the message is acknowledged and goes nowhere [MQTT-3.3.5-2]. */
  #refuse(
    stream: GuardedStream,
    packet: PublishPacket,
    payload: Buffer,
    verdict?: Verdict & { allowed: false },
  ): void {
    const { topic, retain } = packet
    packet.topic = nowhere
    packet.payload = Buffer.alloc(0)
    packet.retain = false
    // A bridge of mosquitto says there how it is; it means no harm.
    if (topic.startsWith('$SYS/')) return
    const reason = verdict?.reason ?? 'too large to be retained'
    this.#parts.log.warn({ ...identity(stream), topic, retain, reason }, 'an MQTT message was refused')
    if (this.#refusals.take(stream.id) > 0)
      return stream.violate({
        clause: 'limit',
        reason: `more than ${this.#parts.maxRefusalsPerMinute} refused messages in a minute`,
      })
    if (reason === 'retained_command' || reason === 'command')
      this.#parts.onRefusedCommand(topic, payload, reason)
  }
}

const streamOf = (client: Client | null): GuardedStream | undefined =>
  client?.conn instanceof GuardedStream ? client.conn : undefined

const identity = (stream: GuardedStream | undefined) => ({
  address: stream?.address ?? null,
  user: stream?.principal?.name ?? null,
})

const refusalError = (returnCode: number, reason: string): AuthenticateError =>
  Object.assign(new Error(reason), { returnCode })
