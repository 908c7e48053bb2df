import type { RawData, WebSocket } from 'ws'
import type { Principal } from '../account/principal.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { WelcomeView } from '../wire/live.ts'
import { ClientFeed, type Held } from './client-feed.ts'
import type { LatestValues } from './latest-values.ts'
import { closeCodes, type LiveLimits } from './live-limits.ts'
import { dataOf, type Published } from './live-message.ts'
import type { MessageRing } from './message-ring.ts'
import type { Traffic } from './outbox.ts'
import { type LiveCommand, readRequest } from './read-request.ts'
import type { Sequence } from './sequence.ts'
import type { SnapshotItem } from './snapshots.ts'
import type { Subscription } from './subscriptions.ts'
import { matches } from './topic-filter.ts'

/** What a client needs of its hub. */
export interface ClientHost {
  readonly clock: Clock
  readonly log: Log
  readonly limits: LiveLimits
  readonly traffic: Traffic
  readonly version: string
  readonly sequence: Sequence
  readonly ring: MessageRing
  readonly latest: LatestValues
  authenticate(token: string): Promise<Principal | undefined>
  /** Says why the client must go again, if it must. */
  signedIn(client: LiveClient, principal: Principal): string | undefined
  /** It was greeted. */
  welcomed(client: LiveClient): void
  /** Whether one more message may be taken; `flooding` when the client should be closed. */
  admit(client: LiveClient): 'yes' | 'no' | 'flooding'
  /** What a client that is signed in asks for. */
  obey(
    client: LiveClient,
    principal: Principal,
    request: Exclude<LiveCommand, { type: 'auth' | 'ping' }>,
  ): void
  /** It was cut off in the middle of a topic's snapshot. */
  unfinished(
    client: LiveClient,
    stretch: { readonly topic: string; readonly from: number; readonly to: number },
  ): void
  /** A ping was answered. */
  ponged(latencyMs: number): void
  /** It takes part in nothing any more. */
  ended(client: LiveClient): void
  /** Its socket is closed. */
  closed(client: LiveClient): void
}

/** Where a client comes from, and what its connection is for. */
export interface Origin {
  readonly address: string
  readonly agent: string
  /** Its connection is the channel of this job; undefined: that of all topics. */
  readonly jobId: string | undefined
}

/** One WebSocket: signing in, requests, and its end. */
export class LiveClient {
  readonly id: string
  readonly origin: Origin
  readonly sinceMs: number
  readonly topics = new Map<string, Subscription>()
  readonly feed: ClientFeed
  /** Set once signed in. */
  principal: Principal | undefined
  /** Of the last ping. */
  latencyMs: number | undefined
  readonly #socket: WebSocket
  readonly #host: ClientHost
  /** Requests that came while the token is looked up; undefined: none is being looked up. */
  #waiting: string[] | undefined
  #pingedMs: number | undefined
  #timer: Timer | undefined
  #ended = false

  constructor(id: string, socket: WebSocket, origin: Origin, host: ClientHost) {
    this.id = id
    this.origin = origin
    this.sinceMs = host.clock.wallTime()
    this.#socket = socket
    this.#host = host
    const { clock, limits, traffic, sequence, ring, latest } = host
    this.feed = new ClientFeed({
      clock,
      limits,
      traffic,
      sequence,
      ring,
      latest,
      sink: {
        get bufferedBytes() {
          return socket.bufferedAmount
        },
        write: (frame, written) => socket.send(frame, { binary: false }, written),
      },
      wants: message => this.#missed(message),
      unfinished: stretch => host.unfinished(this, stretch),
      onTooSlow: () => this.#tooSlow(),
      onLast: topic => this.#onLast(topic),
    })
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    socket.on('pong', () => this.#ponged())
    // A frame that breaks RFC 6455 or is too large: ws itself has answered with 1002, 1007 or 1009.
    socket.on('error', error => {
      host.log.debug({ client: id, reason: error.message }, 'a WebSocket client sent a bad frame')
      this.end(closeCodes.badFrame, error.message)
    })
    socket.on('close', () => {
      this.#finish()
      this.#timer?.cancel()
      host.closed(this)
    })
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Without a principal the client has 10 s to send its token. */
  start(principal: Principal | undefined): void {
    if (principal !== undefined) return this.#welcome(principal)
    const { clock, limits } = this.#host
    this.#timer = clock.setTimer(limits.signInMs, () =>
      this.end(closeCodes.signedOut, `Sign in within ${limits.signInMs / 1000} s`),
    )
  }

  /** A message of the topic `session`, to this client alone. */
  tell(type: string, data: unknown): void {
    if (!this.#ended) this.feed.tell(type, data)
  }

  tellError(thrown: unknown): void {
    if (thrown instanceof AppError)
      return this.tell('error', { ...thrown.detail, code: thrown.code, message: thrown.message })
    this.#host.log.error({ err: toError(thrown) }, 'a WebSocket request met a fault of the program')
    const message = 'The gateway has a fault of its own. Its log has the details.'
    this.tell('error', { code: 'internal', message })
  }

  /** Whether a message of a topic that it has is for this client. */
  hears(message: Published, data: unknown): boolean {
    const { principal } = this
    return (
      principal !== undefined &&
      message.to?.(principal) !== false &&
      matches(this.topics.get(message.topic)?.filter, message.type, data)
    )
  }

  snapshotMade(topic: string, held: Held, items: readonly SnapshotItem[]): void {
    if (this.#ended) return
    const filter = this.topics.get(topic)?.filter
    const wanted = items.filter(({ type, data }) => matches(filter, type, data))
    if (!this.feed.snapshotMade(topic, held, wanted)) return
    if (items.length === 0 && this.origin.jobId !== undefined)
      this.end(closeCodes.noSuchJob, 'There is no job with this id')
  }

  /** Asks for a sign of life; a client that has not answered the last time is closed. */
  ping(): void {
    const { clock, limits } = this.#host
    const now = clock.now()
    if (this.#ended) return
    if (this.#pingedMs === undefined) {
      this.#pingedMs = now
      this.#socket.ping()
    } else if (now - this.#pingedMs >= limits.pingEveryMs) {
      this.end(closeCodes.tooSlow, 'No answer to a ping')
    }
  }

  /** May be called again; the first reason stands. */
  end(code: number, reason: string): void {
    if (this.#ended) return
    this.#finish()
    this.#timer?.cancel()
    this.#socket.close(code, reason)
    // A client that does not read never sees the close frame, and holds its buffer until the socket is destroyed.
    this.#timer = this.#host.clock.setTimer(this.#host.limits.closeMs, () => this.#socket.terminate())
  }

  #finish(): void {
    if (this.#ended) return
    this.#ended = true
    this.feed.finish()
    this.#host.ended(this)
  }

  /** Of the time while it was away. */
  #missed(message: Published): boolean {
    const subscription = this.topics.get(message.topic)
    if (subscription === undefined || message.seq <= subscription.from) return false
    const [after, upTo] = subscription.had ?? [0, 0]
    if (message.seq > after && message.seq <= upTo) return false
    return this.hears(message, subscription.filter === undefined ? undefined : dataOf(message))
  }

  #tooSlow(): void {
    if (this.#ended) return
    this.#host.traffic.tooSlow += 1
    this.end(closeCodes.tooSlow, 'too slow')
  }

  #onLast(topic: string): void {
    const { jobId } = this.origin
    if (jobId !== undefined && topic === `jobs/${jobId}`) this.end(closeCodes.done, 'The job has ended')
  }

  #ponged(): void {
    if (this.#pingedMs === undefined) return
    this.latencyMs = this.#host.clock.now() - this.#pingedMs
    this.#pingedMs = undefined
    this.#host.ponged(this.latencyMs)
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#ended) return
    const { traffic } = this.#host
    const bytes = data as Buffer
    traffic.messagesIn += 1
    traffic.bytesIn += bytes.byteLength
    const admitted = this.#host.admit(this)
    if (admitted === 'flooding') return this.end(closeCodes.tooMany, 'Too many messages')
    if (admitted === 'no') {
      const message = `At most ${this.#host.limits.incomingPerSecond} messages a second; this one was not read.`
      return this.tellError(new AppError('rate_limited', message))
    }
    if (isBinary) return this.tellError(new AppError('usage', 'Send JSON text, not binary messages.'))
    const text = bytes.toString('utf8')
    if (this.#waiting === undefined) this.#handle(text)
    else if (this.#waiting.length < this.#host.limits.waitingForSignIn) this.#waiting.push(text)
    else this.end(closeCodes.tooMany, 'Too many messages before the sign-in')
  }

  #handle(text: string): void {
    const request = readRequest(text)
    const { principal } = this
    if (principal === undefined) {
      if (!(request instanceof AppError) && request.type === 'auth') return this.#signIn(request.token)
      return this.end(closeCodes.signedOut, 'The first message must be auth with a token')
    }
    if (request instanceof AppError) return this.tellError(request)
    if (request.type === 'auth') {
      // Else the request came with a cookie that was good enough.
      return principal.kind === 'guest' ? this.#signIn(request.token) : this.#tellWelcome(principal)
    }
    if (request.type === 'ping') return this.tell('pong', { id: request.id })
    this.#host.obey(this, principal, request)
  }

  #signIn(token: string): void {
    const waiting: string[] = []
    this.#waiting = waiting
    this.#host.authenticate(token).then(
      principal => {
        this.#waiting = undefined
        if (this.#ended) return
        if (principal === undefined)
          return this.end(closeCodes.signedOut, 'This token is not valid; sign in again')
        this.#welcome(principal)
        for (const text of waiting) if (!this.#ended) this.#handle(text)
      },
      (thrown: unknown) => {
        this.#host.log.warn({ reason: toError(thrown).message }, 'a token could not be checked')
        this.end(closeCodes.tryAgainLater, 'The token could not be checked; try again later')
      },
    )
  }

  #welcome(principal: Principal): void {
    this.#timer?.cancel()
    const refusal = this.#host.signedIn(this, principal)
    if (refusal !== undefined) return this.end(closeCodes.tooMany, refusal)
    this.principal = principal
    this.#tellWelcome(principal)
    this.ping()
    this.#host.welcomed(this)
  }

  #tellWelcome({ name, role }: Principal): void {
    const { version, sequence } = this.#host
    const { epoch, last: seq } = sequence
    this.tell('welcome', { name, role, version, epoch, seq } satisfies WelcomeView)
  }
}
