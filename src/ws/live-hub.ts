import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Principal } from '../account/principal.ts'
import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type ClientHost, LiveClient } from './live-client.ts'
import { closeCodes, type LiveLimits, liveLimits } from './live-limits.ts'
import { encodeTail, isLatestOnly } from './live-message.ts'
import { bufferedBytes, type LiveStats, liveStats } from './live-stats.ts'
import type { Traffic } from './outbox.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import { type SnapshotProvider, Snapshots } from './snapshots.ts'
import { Subscriptions } from './subscriptions.ts'

export interface LiveHubOptions {
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  /** Who has this token; undefined: nobody. */
  readonly authenticate: (token: string) => Promise<Principal | undefined>
  readonly limits?: Partial<LiveLimits>
}

export interface PublishOptions {
  /** Of topics where only the newest value counts: what the value is of, such as a job. */
  readonly key?: string
  /** Who may get it; everybody else does not learn that it exists. */
  readonly to?: (principal: Principal) => boolean
}

/** All WebSocket clients and what they have asked to hear (src/wire/live.ts). */
export class LiveHub {
  readonly #options: LiveHubOptions
  readonly #limits: LiveLimits
  readonly #server: WebSocketServer
  readonly #host: ClientHost
  readonly #clients = new Set<LiveClient>()
  readonly #subscriptions = new Subscriptions()
  readonly #snapshots: Snapshots
  readonly #arrivals = new Set<(principal: Principal) => () => void>()
  readonly #departures = new Map<LiveClient, readonly (() => void)[]>()
  readonly #traffic: Traffic = {
    messagesOut: 0,
    bytesOut: 0,
    messagesIn: 0,
    bytesIn: 0,
    dropped: 0,
    tooSlow: 0,
  }
  readonly #admitted: RateLimit
  readonly #refused: RateLimit
  #typing: (principal: Principal, roomId: string) => Promise<void> = async () => undefined
  #pings: Timer | undefined
  #lastId = 0
  #stopped: Promise<void> | undefined
  #emptied: () => void = () => undefined

  constructor(options: LiveHubOptions) {
    const { clock, log, version, authenticate } = options
    this.#options = options
    this.#limits = { ...liveLimits, ...options.limits }
    this.#snapshots = new Snapshots(clock)
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
      authenticate,
      signedIn: (client, principal) => this.#signedIn(client, principal),
      admit: ({ id }) => {
        if (this.#admitted.take(id) === 0) return 'yes'
        return this.#refused.take(id) === 0 ? 'no' : 'flooding'
      },
      subscribe: (client, topics) => this.#subscribe(client, topics),
      unsubscribe: (client, topics) => this.#unsubscribe(client, topics),
      typing: (principal, roomId) => this.#typing(principal, roomId),
      ended: client => this.#ended(client),
      closed: client => this.#closed(client),
    }
    this.#pingAll()
  }

  /**
   * Takes a request for a WebSocket whose Host and Origin were found good. Without a principal the client has
   * to send its token first. Refused with 503 above the caps.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    principal: Principal | undefined,
  ): void {
    socket.on('error', error =>
      this.#options.log.debug({ reason: error.message }, 'a WebSocket client broke off'),
    )
    const { connections, anonymous } = this.#limits
    const full =
      this.#clients.size >= connections || (principal === undefined && this.#anonymous() >= anonymous)
    if (full || this.#stopped !== undefined) return refuseUpgrade(socket)
    this.#server.handleUpgrade(request, socket, head, webSocket => {
      const client = new LiveClient(String(++this.#lastId), webSocket, this.#host)
      this.#clients.add(client)
      client.start(principal)
    })
  }

  /** To everybody who has subscribed to the topic and may get it; the data is serialised once. */
  publish(topic: string, type: string, data: unknown, { key = '', to }: PublishOptions = {}): void {
    const latestOnly = isLatestOnly(topic)
    let tail: Buffer | undefined
    let slow = false
    for (const client of this.#subscriptions.of(topic)) {
      if (client.principal === undefined || to?.(client.principal) === false) continue
      tail ??= encodeTail(this.#options.clock.wallTime(), topic, type, data)
      if (latestOnly) client.deliverLatest(topic, key, tail)
      else client.deliver(topic, tail)
      slow ||= client.slow
    }
    if (slow) this.#relieve()
  }

  /** Whether anybody listens; saves making what nobody gets. */
  wanted(topic: string): boolean {
    return this.#subscriptions.of(topic).size > 0
  }

  /** What a client gets right after it has subscribed. `jobs/ID` stands for the topics of single jobs. */
  provide(topic: string, provider: SnapshotProvider): void {
    this.#snapshots.provide(topic, provider)
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

  /** After a sign-out, for the connections of this sign-in; when the user was removed, for all of theirs (null). */
  disconnectUser(userId: string, signInId: string | null = null, reason = 'Signed out'): void {
    for (const client of [...this.#clients]) {
      if (client.principal?.id !== userId) continue
      if (signInId === null || client.principal.signInId === signInId)
        client.end(closeCodes.signedOut, reason)
    }
  }

  stats(): LiveStats {
    return liveStats(this.#clients, this.#traffic)
  }

  /** Closes all within 1 s. May be called again. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise(resolve => {
      this.#emptied = resolve
      this.#pings?.cancel()
      for (const client of [...this.#clients]) client.end(closeCodes.goingAway, 'The gateway stops')
      if (this.#clients.size === 0) resolve()
    })
    return this.#stopped
  }

  #anonymous(): number {
    let count = 0
    for (const { principal } of this.#clients) if (principal === undefined) count++
    return count
  }

  /** Many slow clients, each within its cap, hold too much together. */
  #relieve(): void {
    if (bufferedBytes(this.#clients) <= this.#limits.totalBufferedBytes) return
    let slowest: LiveClient | undefined
    for (const client of this.#subscriptions.clients())
      if (slowest === undefined || client.bufferedBytes > slowest.bufferedBytes) slowest = client
    if (slowest === undefined) return
    this.#traffic.tooSlow += 1
    slowest.end(closeCodes.tooSlow, 'too slow')
  }

  #signedIn(client: LiveClient, principal: Principal): string | undefined {
    const { connectionsOfOne } = this.#limits
    let own = 0
    for (const other of this.#clients) if (other.principal?.id === principal.id) own++
    if (own >= connectionsOfOne) return `At most ${connectionsOfOne} connections for one person`
    const departures = [...this.#arrivals].map(arrived => arrived(principal))
    this.#departures.set(client, departures)
    return undefined
  }

  #subscribe(client: LiveClient, topics: readonly string[]): void {
    const { topics: most } = this.#limits
    const wanted = new Set(topics)
    if (new Set([...client.topics, ...wanted]).size > most) {
      return client.tellError(new AppError('usage', `At most ${most} topics for one connection.`))
    }
    for (const topic of wanted) this.#subscriptions.add(client, topic)
    client.tell('subscribed', { topics: [...client.topics] })
    for (const topic of wanted) this.#snapshots.send(client, topic)
  }

  #unsubscribe(client: LiveClient, topics: readonly string[]): void {
    for (const topic of topics) {
      this.#subscriptions.remove(client, topic)
      client.forget(topic)
    }
    client.tell('subscribed', { topics: [...client.topics] })
  }

  #pingAll(): void {
    this.#pings = this.#options.clock.setTimer(this.#limits.pingEveryMs, () => {
      for (const client of [...this.#clients]) if (client.principal !== undefined) client.ping()
      this.#pingAll()
    })
  }

  #ended(client: LiveClient): void {
    this.#subscriptions.removeAll(client)
    for (const departed of this.#departures.get(client) ?? []) departed()
    this.#departures.delete(client)
  }

  #closed(client: LiveClient): void {
    this.#clients.delete(client)
    this.#admitted.forgive(client.id)
    this.#refused.forgive(client.id)
    if (this.#clients.size === 0) this.#emptied()
  }
}
