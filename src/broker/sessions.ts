import type { AedesPublishPacket } from 'aedes'
import type { MqttPrincipal } from '../account/mqtt-users.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Outgoing, queuedBytes, SessionQueue } from './session-queue.ts'
import { matches } from './topic-filter.ts'

export const sessionLimits = {
  sessions: 512,
  perPrincipal: 16,
  filters: 128,
  messages: 4096,
  bytes: 2 * 1024 * 1024,
  /** Of all sessions together. */
  totalBytes: 16 * 1024 * 1024,
  /** A session whose client stays away for so long ends. */
  lifetimeMs: 24 * 3_600_000,
} as const

type Qos = 0 | 1 | 2
interface Filter {
  readonly topic: string
  readonly qos: Qos
}

interface Session {
  readonly principal: MqttPrincipal
  readonly filters: Map<string, Qos>
  readonly queue: SessionQueue
  usedMs: number
}

/** What lasts of a client that asked for a session beyond its connection: in memory, with a cap on everything. */
export class Sessions {
  readonly #sessions = new Map<string, Session>()
  readonly #clock: Clock
  readonly #connected: (clientId: string) => boolean
  readonly #mayReceive: (principal: MqttPrincipal, topic: string) => boolean
  /** Messages for which there was no room. */
  dropped = 0

  constructor(parts: {
    readonly clock: Clock
    readonly connected: (clientId: string) => boolean
    readonly mayReceive: (principal: MqttPrincipal, topic: string) => boolean
  }) {
    this.#clock = parts.clock
    this.#connected = parts.connected
    this.#mayReceive = parts.mayReceive
  }

  get count(): number {
    return this.#sessions.size
  }

  get sizeBytes(): number {
    let sum = 0
    for (const { queue } of this.#sessions.values()) sum += queue.sizeBytes
    return sum
  }

  /** Filters beyond the cap are left out. */
  subscribe(clientId: string, principal: MqttPrincipal, filters: Iterable<Filter>): void {
    const session = this.#sessions.get(clientId) ?? this.#begin(clientId, principal)
    session.usedMs = this.#clock.now()
    for (const { topic, qos } of filters)
      if (session.filters.has(topic) || session.filters.size < sessionLimits.filters)
        session.filters.set(topic, qos)
  }

  unsubscribe(clientId: string, filters: readonly string[]): void {
    for (const filter of filters) this.#sessions.get(clientId)?.filters.delete(filter)
  }

  /** The client is back: its filters. What it missed comes from its queue. */
  resume(clientId: string): Filter[] {
    const session = this.#sessions.get(clientId)
    if (session === undefined) return []
    session.usedMs = this.#clock.now()
    session.queue.resume()
    return [...session.filters].map(([topic, qos]) => ({ topic, qos }))
  }

  queue(clientId: string): SessionQueue | undefined {
    return this.#sessions.get(clientId)?.queue
  }

  /** Each session that a message is for, once, with the highest QoS it asked for; those with QoS 0 are not queued for. */
  receivers(topic: string): ({ readonly clientId: string } & Filter)[] {
    const found: ({ readonly clientId: string } & Filter)[] = []
    for (const [clientId, { principal, filters }] of this.#sessions) {
      let best: Filter | undefined
      for (const [filter, qos] of filters)
        if (qos > (best?.qos ?? 0) && matches(filter, topic)) best = { topic: filter, qos }
      if (best !== undefined && this.#mayReceive(principal, topic)) found.push({ clientId, ...best })
    }
    return found
  }

  /** Without room (false) the newest message is the one that is not kept. */
  enqueue(clientId: string, packet: AedesPublishPacket, messageId?: number): boolean {
    const queue = this.queue(clientId)
    if (queue === undefined) return false
    const sizeBytes = queuedBytes(packet)
    if (
      queue.count >= sessionLimits.messages ||
      queue.sizeBytes + sizeBytes > sessionLimits.bytes ||
      this.sizeBytes + sizeBytes > sessionLimits.totalBytes
    ) {
      this.dropped++
      return false
    }
    queue.add(packet, messageId)
    return true
  }

  /** A message is being sent, or became its PUBREL. False: there is no room for it. */
  update(clientId: string, packet: Outgoing): boolean {
    if (this.queue(clientId)?.update(packet) === true || packet.cmd === 'pubrel') return true
    // It was on its way already when the client subscribed.
    return this.enqueue(clientId, packet as AedesPublishPacket, packet.messageId)
  }

  end(clientId: string): void {
    this.queue(clientId)?.left()
    this.#sessions.delete(clientId)
  }

  /** Of somebody who is no longer known. */
  endAllOf(name: string): void {
    for (const [clientId, { principal }] of this.#sessions) if (principal.name === name) this.end(clientId)
  }

  /** Ends what nobody has come back to. */
  sweep(): void {
    const oldestMs = this.#clock.now() - sessionLimits.lifetimeMs
    for (const [clientId, session] of this.#sessions) {
      if (this.#connected(clientId)) session.usedMs = this.#clock.now()
      else if (session.usedMs < oldestMs) this.end(clientId)
    }
  }

  #begin(clientId: string, principal: MqttPrincipal): Session {
    this.#makeRoom(name => name === principal.name, sessionLimits.perPrincipal)
    this.#makeRoom(() => true, sessionLimits.sessions)
    const session: Session = { principal, filters: new Map(), queue: new SessionQueue(), usedMs: 0 }
    this.#sessions.set(clientId, session)
    return session
  }

  /** The session that waits longest for its client gives way. */
  #makeRoom(counts: (name: string) => boolean, most: number): void {
    const all = [...this.#sessions].filter(([, { principal }]) => counts(principal.name))
    if (all.length < most) return
    const absent = all
      .filter(([clientId]) => !this.#connected(clientId))
      .sort(([, a], [, b]) => a.usedMs - b.usedMs)
    const [oldest] = absent[0] ?? []
    if (oldest !== undefined) this.end(oldest)
  }
}
