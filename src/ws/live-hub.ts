import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Principal } from '../account/principal.ts'
import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { LiveClientView, LiveTicketView } from '../wire/live.ts'
import { ClientCounts } from './client-counts.ts'
import { type ClientHost, LiveClient, type Origin } from './live-client.ts'
import { closeCodes, type LiveLimits, liveLimits } from './live-limits.ts'
import { encode, isLatestOnly, type PublishOptions } from './live-message.ts'
import { bufferedBytes, clientView, type LiveStats, liveStats } from './live-stats.ts'
import { noTraffic, type Traffic } from './outbox.ts'
import type { SnapshotProvider } from './snapshots.ts'
import { Tickets } from './tickets.ts'
import { isPresent, mayHear, mayType } from './topic-rights.ts'
import { Topics } from './topics.ts'

export interface LiveHubOptions {
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  /** Who has this token; undefined: nobody. */
  readonly authenticate: (token: string) => Promise<Principal | undefined>
  readonly limits?: Partial<LiveLimits>
  /** Of this run; random when left out. */
  readonly epoch?: string
}

const longestAgent = 200

const originOf = ({ socket, headers }: IncomingMessage): Origin => ({
  address: socket.remoteAddress ?? 'local',
  agent: headers['user-agent'] ?? '',
  jobId: undefined,
})

/** All WebSocket clients and what they have asked to hear (src/wire/live.ts). */
export class LiveHub {
  readonly #options: LiveHubOptions
  readonly #limits: LiveLimits
  readonly #server: WebSocketServer
  readonly #host: ClientHost
  readonly #clients = new Map<string, LiveClient>()
  readonly #counts: ClientCounts
  readonly #topics: Topics
  readonly #tickets: Tickets
  /** Those at the door of a job's channel, whom nobody could end yet. */
  readonly #coming = new Set<{ readonly principal: Principal; gone: boolean }>()
  readonly #arrivals = new Set<(principal: Principal) => () => void>()
  readonly #departures = new Map<LiveClient, readonly (() => void)[]>()
  readonly #traffic: Traffic = noTraffic()
  readonly #admitted: RateLimit
  readonly #refused: RateLimit
  #typing: (principal: Principal, roomId: string) => Promise<void> = async () => undefined
  #onPong: (latencyMs: number) => void = () => undefined
  #pings: Timer | undefined
  #lastId = 0
  #stopped: Promise<void> | undefined
  #emptied: () => void = () => undefined

  constructor(options: LiveHubOptions) {
    const { clock, log, version, authenticate, epoch = randomBytes(9).toString('base64url') } = options
    this.#options = options
    this.#limits = { ...liveLimits, ...options.limits }
    this.#counts = new ClientCounts(this.#limits)
    this.#topics = new Topics({ clock, limits: this.#limits, traffic: this.#traffic, epoch })
    this.#tickets = new Tickets(clock, this.#limits)
    const { incomingPerSecond, refusedPerMinute, payloadBytes, connections: maxKeys } = this.#limits
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: payloadBytes,
    })
    this.#admitted = new RateLimit({ limit: incomingPerSecond, perMs: 1000, maxKeys }, clock)
    this.#refused = new RateLimit({ limit: refusedPerMinute, perMs: 60_000, maxKeys }, clock)
    this.#host = {
      clock,
      log,
      limits: this.#limits,
      traffic: this.#traffic,
      version,
      sequence: this.#topics.sequence,
      ring: this.#topics.ring,
      latest: this.#topics.latest,
      authenticate,
      signedIn: (client, principal) => this.#signedIn(client, principal),
      welcomed: client => this.#topics.openChannel(client),
      admit: ({ id }) => {
        if (this.#admitted.take(id) === 0) return 'yes'
        return this.#refused.take(id) === 0 ? 'no' : 'flooding'
      },
      obey: (client, principal, request) => {
        if (request.type === 'typing') this.#type(client, principal, request.roomId)
        else this.#topics.obey(client, principal, request)
      },
      unfinished: (client, stretch) => this.#topics.unfinished(client, stretch),
      ponged: latencyMs => this.#onPong(latencyMs),
      ended: client => this.#ended(client),
      closed: client => this.#closed(client),
    }
    this.#pingAll()
  }

  /**
   * Takes a request for a WebSocket whose Host and Origin were found good. Without a principal the client has
   * to send its token first. With a job the connection is that job's channel. Throws `overloaded` above the caps.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    principal: Principal | undefined,
    { address, agent, jobId }: Origin = originOf(request),
  ): void {
    socket.on('error', error =>
      this.#options.log.debug({ reason: error.message }, 'a WebSocket client broke off'),
    )
    if (this.#stopped !== undefined || !this.#counts.hasRoom(address, principal))
      throw new AppError('overloaded', 'Too many live connections are open. Close one, or try again later.')
    this.#server.handleUpgrade(request, socket, head, webSocket => {
      const origin = { address, agent: agent.slice(0, longestAgent), jobId }
      const client = new LiveClient(String(++this.#lastId), webSocket, origin, this.#host)
      this.#clients.set(client.id, client)
      this.#counts.add(client)
      client.start(principal)
    })
  }

  /** Of this run. */
  get epoch(): string {
    return this.#topics.sequence.epoch
  }

  /** Rejects with `not_found` when there is no such job, or it is none of theirs; with `unauthenticated` when they went meanwhile. */
  async mayOpen(principal: Principal, jobId: string): Promise<void> {
    const coming = { principal, gone: false }
    this.#coming.add(coming)
    try {
      await this.#topics.mayOpen(principal, jobId)
    } finally {
      this.#coming.delete(coming)
    }
    if (coming.gone) throw new AppError('unauthenticated', 'This access has ended. Sign in again.')
  }

  /** A ticket for one WebSocket of this person. Throws `overloaded`. */
  ticket(principal: Principal): LiveTicketView {
    return this.#tickets.issue(principal)
  }

  /** Who has asked for the ticket; it is gone after that. */
  redeem(ticket: string): Principal | undefined {
    return this.#tickets.redeem(ticket)
  }

  /** To everybody who has subscribed to the topic and may get it; the data is serialised once. */
  publish(topic: string, type: string, data: unknown, options: PublishOptions = {}): void {
    const seq = this.#topics.sequence.next()
    const wallTimeMs = this.#options.clock.wallTime()
    const message = encode(seq, { topic, type, data, wallTimeMs }, options)
    this.#topics.keep(message)
    const latestOnly = isLatestOnly(topic)
    let slow = false
    // A client that ends while it gets the message leaves the set, which a Set allows.
    for (const client of this.#topics.listeners(topic)) {
      if (!client.hears(message, data)) continue
      if (latestOnly) client.feed.deliverLatest(message)
      else client.feed.deliver(message)
      slow ||= client.feed.slow
    }
    if (slow) this.#relieve()
  }

  /** Whether news of the topic are worth making: somebody listens, or did so until a moment ago and may come back. */
  wanted(topic: string): boolean {
    return this.#topics.wanted(topic)
  }

  /** There were news of the topic that nobody wanted, so they were not made. */
  leaveOut(topic: string): void {
    this.#topics.leaveOut(topic)
  }

  /** The newest value of this key says nothing any more, as when a job has ended. */
  forget(topic: string, key: string): void {
    this.#topics.forget(topic, key)
  }

  /** What a client gets right after it has subscribed. `jobs/ID` stands for the topics of single jobs. */
  provide(topic: string, provider: SnapshotProvider): void {
    this.#topics.snapshots.provide(topic, provider)
  }

  /**
   * Called for each connection that has signed in; the function that it returns is called at the end of the
   * connection.
   */
  onArrival(arrived: (principal: Principal) => () => void): () => void {
    this.#arrivals.add(arrived)
    return () => void this.#arrivals.delete(arrived)
  }

  /** What becomes of a client's `typing`; a rejection is told to the client. */
  onTyping(typing: (principal: Principal, roomId: string) => Promise<void>): void {
    this.#typing = typing
  }

  /** Hears the round trip of each ping, for metrics. */
  onPong(heard: (latencyMs: number) => void): void {
    this.#onPong = heard
  }

  /** After a sign-out, for the connections of this sign-in; when the user was removed, for all of theirs (null). */
  disconnectUser(userId: string, signInId: string | null = null, reason = 'Signed out'): void {
    this.disconnect(
      ({ id, signInId: own }) => id === userId && (signInId === null || own === signInId),
      reason,
    )
  }

  /** Ends the connections and the tickets of these people, as when a token was taken back. */
  disconnect(whose: (principal: Principal) => boolean, reason = 'Signed out'): void {
    this.#tickets.revoke(whose)
    for (const coming of this.#coming) coming.gone ||= whose(coming.principal)
    for (const client of [...this.#clients.values()]) {
      if (client.principal !== undefined && whose(client.principal)) client.end(closeCodes.signedOut, reason)
    }
  }

  /** All connections, the oldest first. */
  clients(): readonly LiveClientView[] {
    return [...this.#clients.values()].map(clientView)
  }

  /** Ends one connection; what it was, or undefined when there is no such one. */
  remove(id: string): LiveClientView | undefined {
    const client = this.#clients.get(id)
    if (client === undefined || client.ended) return undefined
    const view = clientView(client)
    client.end(closeCodes.removed, 'An admin has ended this connection')
    return view
  }

  stats(): LiveStats {
    return liveStats(this.#clients.values(), this.#traffic)
  }

  /** Closes all within 1 s. May be called again. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise(resolve => {
      this.#emptied = resolve
      this.#pings?.cancel()
      for (const client of [...this.#clients.values()]) client.end(closeCodes.goingAway, 'The gateway stops')
      if (this.#clients.size === 0) resolve()
    })
    return this.#stopped
  }

  /** Many slow clients, each within its cap, hold too much together. */
  #relieve(): void {
    const clients = [...this.#clients.values()].filter(({ ended }) => !ended)
    if (bufferedBytes(this.#clients.values()) <= this.#limits.totalBufferedBytes) return
    let slowest: LiveClient | undefined
    for (const client of clients)
      if (slowest === undefined || client.feed.bufferedBytes > slowest.feed.bufferedBytes) slowest = client
    if (slowest === undefined) return
    this.#traffic.tooSlow += 1
    slowest.end(closeCodes.tooSlow, 'too slow')
  }

  #signedIn(client: LiveClient, principal: Principal): string | undefined {
    const refusal = this.#counts.signIn(client, principal)
    if (refusal !== undefined || !isPresent(principal)) return refusal
    const departures = [...this.#arrivals].map(arrived => arrived(principal))
    this.#departures.set(client, departures)
    return undefined
  }

  #type(client: LiveClient, principal: Principal, roomId: string): void {
    const allowed = mayType(principal) && mayHear(principal, 'typing') && client.origin.jobId === undefined
    if (!allowed) return client.tellError(new AppError('forbidden', 'You cannot write in a room here.'))
    this.#typing(principal, roomId).catch((thrown: unknown) => client.tellError(thrown))
  }

  #pingAll(): void {
    this.#pings = this.#options.clock.setTimer(this.#limits.pingEveryMs, () => {
      const nowMs = this.#options.clock.now()
      this.disconnect(({ endsMs = Number.POSITIVE_INFINITY }) => endsMs <= nowMs, 'The token has run out')
      for (const client of [...this.#clients.values()]) if (client.principal !== undefined) client.ping()
      this.#pingAll()
    })
  }

  #ended(client: LiveClient): void {
    this.#topics.leave(client)
    for (const departed of this.#departures.get(client) ?? []) departed()
    this.#departures.delete(client)
  }

  #closed(client: LiveClient): void {
    this.#clients.delete(client.id)
    this.#counts.remove(client)
    this.#admitted.forgive(client.id)
    this.#refused.forgive(client.id)
    if (this.#clients.size === 0) this.#emptied()
  }
}
