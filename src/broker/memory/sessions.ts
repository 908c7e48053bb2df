import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { BrokerState } from '../../store/broker/broker-state.ts'
import type { Change } from '../../store/broker/changes.ts'
import { IncomingIds } from './incoming-ids.ts'
import type { Journal } from './journal.ts'
import { KeptMessage, keptBytes, viewOf } from './kept-message.ts'
import { Entry, type Outgoing, packetOf, SessionQueue } from './session-queue.ts'
import { enqueue, type Filter, putFilter, putMessage, putSession, type Session } from './session-record.ts'
import { type LastingSubscription, SubscriptionTree } from './subscription-tree.ts'
import { offMs, TimeAway } from './time-away.ts'
import type { UserQuota } from './user-quota.ts'

export const sessionLimits = { sessions: 512, perPrincipal: 16, filters: 128 } as const

export interface SessionsParts {
  readonly clock: Clock
  readonly journal: Pick<Journal, 'note' | 'must'>
  readonly quota: UserQuota
  /** A session whose client stays away for so long ends. */
  readonly lifetimeMs: number
  readonly connected: (clientId: string) => boolean
  readonly mayReceive: (principal: MqttPrincipal, topic: string) => boolean
}

/** A message in the queues of sessions, and what has to be written for it. */
export interface Placed {
  readonly entries: readonly (readonly [Session, Entry])[]
  readonly changes: readonly Change[]
}

/** What lasts of a client that asked for a session beyond its connection, with a cap on everything. */
export class Sessions {
  readonly #parts: SessionsParts
  readonly #sessions = new Map<string, Session>()
  readonly #filters = new SubscriptionTree()
  readonly #away: TimeAway
  readonly incoming = new IncomingIds()
  #lastId = 0
  #lastSeq = 0

  constructor(parts: SessionsParts) {
    this.#parts = parts
    this.#away = new TimeAway(parts)
  }

  get count(): number {
    return this.#sessions.size
  }

  /** Filters of all sessions. */
  get subscriptions(): number {
    let sum = 0
    for (const { filters } of this.#sessions.values()) sum += filters.size
    return sum
  }

  /** Filters that a message is queued for, and sessions that have one at all. */
  get counts(): { readonly subsCount: number; readonly clientsCount: number } {
    const clientsCount = [...this.#sessions.values()].filter(({ filters }) => filters.size > 0).length
    return { subsCount: this.#filters.size, clientsCount }
  }

  /** Takes up what was kept; sessions of somebody who is no longer known end. */
  load(state: BrokerState, isKnown: (principal: MqttPrincipal) => boolean): void {
    const { clock } = this.#parts
    const off = offMs(state.wallMs, clock.wallTime())
    const byId = new Map<number, Session>()
    this.#lastSeq = state.lastSeq
    for (const { id, clientId, principalJson, awayMs } of state.sessions) {
      const principal = JSON.parse(principalJson) as MqttPrincipal
      this.#lastId = Math.max(this.#lastId, id)
      const session: Session = {
        ...{ id, clientId, principal, filters: new Map(), queue: new SessionQueue(false) },
        ...{ awayMs: awayMs + off, sinceMs: clock.now(), notedAwayMs: awayMs },
      }
      byId.set(id, session)
      this.#sessions.set(clientId, session)
    }
    for (const { session, filter, optionsJson } of state.filters)
      this.#addFilter(byId.get(session), { ...(JSON.parse(optionsJson) as Filter), topic: filter })
    const messages = new Map(
      state.messages.map(({ seq, topic, payload }) => [
        seq,
        new KeptMessage({ topic, payload: bufferOf(payload) }, seq),
      ]),
    )
    for (const { session, seq, qos, packetId, released } of state.queue) {
      const owner = byId.get(session)
      const message = released === 1 ? undefined : messages.get(seq)
      if (owner === undefined || (released === 0 && message === undefined)) continue
      if (message !== undefined) this.#count(owner, message)
      // It may have been sent: a repetition more does no harm, one that claims to be none does.
      const entry = new Entry(message, seq, qos, packetId)
      entry.sentBefore = true
      owner.queue.restore(entry)
    }
    for (const { session, packetId } of state.incoming) {
      const owner = byId.get(session)
      if (owner !== undefined) this.incoming.restore(owner.clientId, packetId)
    }
    for (const { clientId, principal } of byId.values()) if (!isKnown(principal)) this.end(clientId)
    this.sweep()
    // From now on: who is back by the next kill was not away all the time since the run before.
    this.noteAway()
  }

  /** All of it, for a file that begins anew. */
  snapshot(): Change[] {
    const all: Change[] = []
    const written = new Set<number>()
    for (const session of this.#sessions.values()) {
      all.push(putSession(session))
      for (const filter of session.filters.values()) all.push(putFilter(session, filter))
      for (const packetId of this.incoming.of(session.clientId))
        all.push({ name: 'putIncoming', args: [session.id, packetId] })
      for (const entry of session.queue.entries()) {
        const { message } = entry
        if (message !== undefined && !written.has(message.seq)) all.push(putMessage(message, message.bytes))
        written.add(entry.seq)
        all.push(enqueue(session, entry))
      }
    }
    return all
  }

  /** The session of a client, a new one if it has none. */
  begin(clientId: string, principal: MqttPrincipal): { readonly id: number } {
    return this.#begin(clientId, principal)
  }

  /** Filters beyond the cap are left out. Resolves when they are kept. */
  subscribe(clientId: string, principal: MqttPrincipal, filters: Iterable<Filter>): Promise<void> {
    const session = this.#begin(clientId, principal)
    this.#away.end(session)
    const changes: Change[] = []
    for (const given of filters) {
      const known = session.filters.get(given.topic)
      if (known === undefined && session.filters.size >= sessionLimits.filters) continue
      const filter = { ...given }
      if (JSON.stringify(known) !== JSON.stringify(filter)) changes.push(putFilter(session, filter))
      this.#addFilter(session, filter)
    }
    // Without changes too: the same filters may be on their way to the disk, or have been refused there.
    return this.#parts.journal.must(changes)
  }

  unsubscribe(clientId: string, filters: readonly string[]): Promise<void> {
    const session = this.#sessions.get(clientId)
    if (session === undefined) return Promise.resolve()
    const changes: Change[] = []
    for (const filter of filters) {
      if (!session.filters.delete(filter)) continue
      this.#filters.remove(filter, clientId)
      changes.push({ name: 'dropFilter', args: [session.id, filter] })
    }
    return this.#parts.journal.must(changes)
  }

  /** The client is back: its filters. What it missed comes from its queue. */
  resume(clientId: string): Filter[] {
    const session = this.#sessions.get(clientId)
    if (session === undefined) return []
    this.#away.end(session)
    session.queue.resume()
    return [...session.filters.values()].map(filter => ({ ...filter }))
  }

  queue(clientId: string): SessionQueue | undefined {
    return this.#sessions.get(clientId)?.queue
  }

  idOf(clientId: string): number | undefined {
    return this.#sessions.get(clientId)?.id
  }

  *clientsOf(filter: string): Generator<string> {
    for (const { clientId, filters } of this.#sessions.values()) if (filters.has(filter)) yield clientId
  }

  /** A message goes out under another identifier than its own. */
  rename(clientId: string, entry: Entry, packetId: number): void {
    const session = this.#sessions.get(clientId)
    session?.queue.rename(entry, packetId)
    if (session !== undefined)
      this.#parts.journal.note({ name: 'setPacketId', args: [packetId, session.id, entry.seq] })
  }

  /** The client's connection has ended. */
  left(clientId: string): void {
    const session = this.#sessions.get(clientId)
    if (session === undefined) return
    session.sinceMs = this.#parts.clock.now()
    session.queue.left()
  }

  /** Filters that a message is to be queued for; those with QoS 0 are not. */
  matching(topic: string): readonly LastingSubscription[] {
    return this.#filters.match(topic)
  }

  /**
   * Puts a message into the queue of each session that it is for, once, with the highest QoS that it asked for. Without room
   * the newest message is the one that is not kept. undefined: nobody waits for it.
   */
  place(
    packet: { topic: string; payload: Buffer | string; qos: 0 | 1 | 2 },
    receivers: readonly LastingSubscription[],
    pending: boolean,
  ): Placed | undefined {
    if (receivers.length === 0 || packet.qos === 0) return undefined
    const best = new Map<Session, 1 | 2>()
    for (const { clientId, qos } of receivers) {
      const session = this.#sessions.get(clientId)
      const granted = Math.min(qos, packet.qos)
      if (session === undefined || granted === 0 || granted <= (best.get(session) ?? 0)) continue
      if (this.#parts.mayReceive(session.principal, packet.topic)) best.set(session, granted as 1 | 2)
    }
    let message: KeptMessage | undefined
    let key: Buffer | undefined
    const entries: [Session, Entry][] = []
    for (const [session, qos] of best) {
      if (!this.#hasRoom(session, keptBytes(packet.topic, packet.payload))) continue
      message ??= new KeptMessage(packet, ++this.#lastSeq)
      key ??= viewOf(packet.payload)
      message.references++
      const entry = session.queue.add(message, qos, key)
      entry.pending = pending
      entries.push([session, entry])
    }
    if (message === undefined || key === undefined) return undefined
    packet.payload = key
    return {
      entries,
      changes: [putMessage(message, key), ...entries.map(([session, entry]) => enqueue(session, entry))],
    }
  }

  /** The commit has come, or it never will. */
  settle({ entries }: Placed, kept: boolean): void {
    for (const [session, entry] of entries)
      if (kept) session.queue.settle(entry)
      else this.#remove(session, entry)
  }

  /** It has arrived, or must not be sent. */
  acknowledge(clientId: string, packetId: number): Outgoing | undefined {
    const session = this.#sessions.get(clientId)
    const entry = session?.queue.byId(packetId)
    if (session === undefined || entry === undefined) {
      session?.queue.endPassing(packetId)
      return undefined
    }
    const packet = packetOf(entry, true)
    this.#parts.journal.note(...this.#remove(session, entry))
    return packet
  }

  /** PUBREC has come; resolves when that is kept, so that PUBREL cannot be followed by the message again. */
  release(clientId: string, packetId: number): Promise<void> {
    const session = this.#sessions.get(clientId)
    const entry = session?.queue.byId(packetId)
    if (session === undefined || entry === undefined) return Promise.resolve()
    const message = session.queue.release(entry)
    entry.sent = true
    // The first one may be on its way to the disk.
    if (message === undefined) return this.#parts.journal.must([])
    const rest = this.#forget(session, message)
    return this.#parts.journal.must([{ name: 'release', args: [session.id, entry.seq] }, ...rest])
  }

  end(clientId: string): void {
    const session = this.#sessions.get(clientId)
    if (session === undefined) return
    session.queue.left()
    const rest: Change[] = []
    for (const entry of session.queue.entries()) {
      if (entry.message !== undefined) rest.push(...this.#forget(session, entry.message))
      session.queue.remove(entry)
    }
    for (const filter of session.filters.keys()) this.#filters.remove(filter, clientId)
    this.incoming.clear(clientId)
    this.#sessions.delete(clientId)
    const args = [session.id]
    const names = ['dropQueue', 'dropFilters', 'dropIncoming', 'dropSession'] as const
    this.#parts.journal.note(...names.map(name => ({ name, args })), ...rest)
  }

  /** Of somebody who is no longer known. */
  endAllOf(name: string): void {
    for (const [clientId, { principal }] of this.#sessions) if (principal.name === name) this.end(clientId)
  }

  /** Ends what nobody has come back to, and notes now and then how long the others have been away. */
  sweep(): void {
    for (const session of this.#sessions.values()) {
      if (this.#parts.connected(session.clientId)) this.#away.end(session)
      else if (this.#away.ofMs(session) > this.#parts.lifetimeMs) this.end(session.clientId)
    }
    if (this.#away.noteIsDue) this.noteAway()
  }

  noteAway(): void {
    this.#away.note(this.#sessions)
  }

  #begin(clientId: string, principal: MqttPrincipal): Session {
    const known = this.#sessions.get(clientId)
    if (known !== undefined) return known
    this.#makeRoom(name => name === principal.name, sessionLimits.perPrincipal)
    this.#makeRoom(() => true, sessionLimits.sessions)
    const session: Session = {
      ...{ id: ++this.#lastId, clientId, principal, filters: new Map(), queue: new SessionQueue(true) },
      ...{ awayMs: 0, sinceMs: this.#parts.clock.now(), notedAwayMs: 0 },
    }
    // While there was none the clock was not noted.
    if (this.#sessions.size === 0) this.#away.noteClock()
    this.#sessions.set(clientId, session)
    this.#parts.journal.note(putSession(session))
    return session
  }

  #addFilter(session: Session | undefined, filter: Filter): void {
    if (session === undefined) return
    const { clientId } = session
    session.filters.set(filter.topic, filter)
    if (filter.qos > 0) this.#filters.add({ clientId, ...filter })
    else this.#filters.remove(filter.topic, clientId)
  }

  #hasRoom(session: Session, sizeBytes: number): boolean {
    if (!session.queue.isFull) return this.#parts.quota.take(session.principal.name, sizeBytes)
    this.#parts.quota.refused++
    return false
  }

  #count(session: Session, message: KeptMessage): void {
    message.references++
    this.#parts.quota.force(session.principal.name, message.sizeBytes)
  }

  /** One session less waits for it. */
  #forget({ principal }: Session, message: KeptMessage): Change[] {
    this.#parts.quota.give(principal.name, message.sizeBytes)
    return --message.references === 0 ? [{ name: 'dropMessage', args: [message.seq] }] : []
  }

  #remove(session: Session, entry: Entry): Change[] {
    if (!session.queue.remove(entry)) return []
    const dequeue: Change = { name: 'dequeue', args: [session.id, entry.seq] }
    return entry.message === undefined ? [dequeue] : [dequeue, ...this.#forget(session, entry.message)]
  }

  /** The session that waits longest for its client gives way. */
  #makeRoom(counts: (name: string) => boolean, most: number): void {
    const all = [...this.#sessions.values()].filter(({ principal }) => counts(principal.name))
    if (all.length < most) return
    const [oldest] = all
      .filter(({ clientId }) => !this.#parts.connected(clientId))
      .sort((a, b) => this.#away.ofMs(b) - this.#away.ofMs(a))
    if (oldest !== undefined) this.end(oldest.clientId)
  }
}

const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, length)
