import type { RawData, WebSocket } from 'ws'
import type { Principal } from '../account/principal.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { WelcomeView } from '../wire/live.ts'
import { closeCodes, type LiveLimits } from './live-limits.ts'
import { encodeTail } from './live-message.ts'
import { Outbox, type Traffic } from './outbox.ts'
import { type LiveCommand, readRequest } from './read-request.ts'

/** What a client needs of its hub. */
export interface ClientHost {
  readonly clock: Clock
  readonly log: Log
  readonly limits: LiveLimits
  readonly traffic: Traffic
  readonly version: string
  authenticate(token: string): Promise<Principal | undefined>
  /** Says why the client must go again, if it must. */
  signedIn(client: LiveClient, principal: Principal): string | undefined
  /** Whether one more message may be taken; `flooding` when the client should be closed. */
  admit(client: LiveClient): 'yes' | 'no' | 'flooding'
  subscribe(client: LiveClient, topics: readonly string[]): void
  unsubscribe(client: LiveClient, topics: readonly string[]): void
  typing(principal: Principal, roomId: string): Promise<void>
  /** It takes part in nothing any more. */
  ended(client: LiveClient): void
  /** Its socket is closed. */
  closed(client: LiveClient): void
}

/** One WebSocket: signing in, requests, what it gets, and its end. */
export class LiveClient {
  readonly id: string
  readonly topics = new Set<string>()
  /** Set once signed in. */
  principal: Principal | undefined
  /** Of the last ping. */
  latencyMs: number | undefined
  readonly #socket: WebSocket
  readonly #host: ClientHost
  readonly #outbox: Outbox
  /** Messages of topics whose snapshot is being made. */
  readonly #heldBack = new Map<string, Buffer[]>()
  /** Requests that came while the token is looked up; undefined: none is being looked up. */
  #waiting: string[] | undefined
  #pingedMs: number | undefined
  #timer: Timer | undefined
  #ended = false

  constructor(id: string, socket: WebSocket, host: ClientHost) {
    this.id = id
    this.#socket = socket
    this.#host = host
    const sink = {
      get bufferedBytes() {
        return socket.bufferedAmount
      },
      write: (frame: Buffer, written: () => void) => socket.send(frame, { binary: false }, written),
    }
    this.#outbox = new Outbox(sink, host.limits, host.traffic)
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

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes
  }

  get slow(): boolean {
    return this.#outbox.slow
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
    this.deliver('session', encodeTail(this.#host.clock.wallTime(), 'session', type, data))
  }

  tellError(thrown: unknown): void {
    if (thrown instanceof AppError) return this.tell('error', { code: thrown.code, message: thrown.message })
    this.#host.log.error({ err: toError(thrown) }, 'a WebSocket request met a fault of the program')
    const message = 'The gateway has a fault of its own. Its log has the details.'
    this.tell('error', { code: 'internal', message })
  }

  /** Lossless: what does not fit ends the client. */
  deliver(topic: string, tail: Buffer): void {
    const held = this.#heldBack.get(topic)
    if (held !== undefined && held.length < this.#host.limits.heldForSnapshot) held.push(tail)
    else if (held !== undefined) this.#release(topic, [...held, tail])
    else this.#send(tail)
  }

  deliverLatest(topic: string, key: string, tail: Buffer): void {
    if (!this.#ended) this.#outbox.sendLatest(`${topic} ${key}`, tail)
  }

  /** The topic's messages wait for its snapshot, which is older; false: they do so already. */
  awaitSnapshot(topic: string): boolean {
    if (this.#heldBack.has(topic)) return false
    this.#heldBack.set(topic, [])
    return true
  }

  snapshotMade(topic: string, snapshot: readonly Buffer[]): void {
    const held = this.#heldBack.get(topic)
    if (held !== undefined) this.#release(topic, [...snapshot, ...held])
  }

  /** The client wants no more of the topic. */
  forget(topic: string): void {
    this.#heldBack.delete(topic)
    this.#outbox.forget(topic)
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
    this.#outbox.clear()
    this.#heldBack.clear()
    this.#host.ended(this)
  }

  #release(topic: string, tails: readonly Buffer[]): void {
    this.#heldBack.delete(topic)
    for (const tail of tails) this.#send(tail)
  }

  #send(tail: Buffer): void {
    if (this.#ended || this.#outbox.send(tail)) return
    this.#host.traffic.tooSlow += 1
    this.end(closeCodes.tooSlow, 'too slow')
  }

  #ponged(): void {
    if (this.#pingedMs === undefined) return
    this.latencyMs = this.#host.clock.now() - this.#pingedMs
    this.#pingedMs = undefined
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
    if (request instanceof AppError) {
      if (this.principal !== undefined) return this.tellError(request)
      return this.end(closeCodes.signedOut, 'The first message must be auth with a token')
    }
    if (this.principal === undefined) {
      if (request.type !== 'auth')
        return this.end(closeCodes.signedOut, 'The first message must be auth with a token')
      this.#signIn(request.token)
      return
    }
    this.#obey(this.principal, request)
  }

  #obey(principal: Principal, request: LiveCommand): void {
    switch (request.type) {
      case 'auth':
        // The request came with a cookie that was good enough.
        return this.#tellWelcome(principal)
      case 'subscribe':
        return this.#host.subscribe(this, request.topics)
      case 'unsubscribe':
        return this.#host.unsubscribe(this, request.topics)
      case 'ping':
        return this.tell('pong', { id: request.id })
      case 'typing':
        this.#host.typing(principal, request.roomId).catch((thrown: unknown) => this.tellError(thrown))
    }
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
  }

  #tellWelcome({ name, role }: Principal): void {
    this.tell('welcome', { name, role, version: this.#host.version } satisfies WelcomeView)
  }
}
