import type { Clock } from '../kernel/clock.ts'
import type { LatestValues } from './latest-values.ts'
import type { LiveLimits } from './live-limits.ts'
import { encodeTail, type Published, withNumber } from './live-message.ts'
import type { MessageRing } from './message-ring.ts'
import { Outbox, type Sink, type Traffic } from './outbox.ts'
import type { Sequence } from './sequence.ts'
import type { SnapshotItem } from './snapshots.ts'

export interface ClientFeedOptions {
  readonly clock: Clock
  readonly sink: Sink
  readonly limits: LiveLimits
  readonly traffic: Traffic
  readonly sequence: Sequence
  readonly ring: MessageRing
  readonly latest: LatestValues
  /** Whether the client is to get a message of the time while it was away. */
  wants(message: Published): boolean
  /** It was cut off, or will be: what it has of a topic's snapshot is not all of it. */
  unfinished(stretch: { readonly topic: string; readonly from: number; readonly to: number }): void
  /** It holds too much. */
  onTooSlow(): void
  /** After the message there is nothing more to say on its topic. */
  onLast(topic: string): void
}

/** News of a topic whose snapshot is being made. */
export interface Held {
  readonly from: number
  readonly news: Published[]
}

/** What a client missed. */
export interface Missed {
  readonly since: number
  /** Newest values that it lacks, by their numbers. */
  readonly values: readonly { readonly value: Published; readonly seq: number }[]
  /** All is sent. */
  done(replayed: number): void
  /** The client reads so slowly that the ring has let go of what is still to be sent. */
  overtaken(): void
}

interface Replay {
  readonly missed: Missed
  /** Number of the message looked at last. */
  after: number
  /** Values sent. */
  values: number
  replayed: number
}

/**
 * The order in which one client gets its messages, and their numbers, which only rise. What goes out when it is said has the
 * number that everybody sees; what had to wait gets a new one. So whoever has heard up to a number has everything before it,
 * and one number says where to go on after a cut.
 */
export class ClientFeed {
  readonly #options: ClientFeedOptions
  readonly #outbox: Outbox
  readonly #held = new Map<string, Held>()
  #replay: Replay | undefined
  /** What waits until snapshots and missed messages are sent. */
  readonly #turns: (() => void)[] = []
  #begun = false
  #finished = false
  /** Before that they have small numbers, so that a client that was cut off may go on where it was. */
  #greetings = 0
  /** Number sent last; at first, where the client may begin. */
  #last: number

  constructor(options: ClientFeedOptions) {
    this.#options = options
    const { sink, limits, traffic, sequence } = options
    this.#last = sequence.last
    this.#outbox = new Outbox({
      sink,
      limits,
      traffic,
      frameOf: value => this.#frameOf(value),
      onWritten: () => {
        this.#pump()
        if (this.#replay === undefined) this.#outbox.flush()
      },
    })
  }

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes
  }

  get slow(): boolean {
    return this.#outbox.slow
  }

  get sent(): number {
    return this.#outbox.sent
  }

  get dropped(): number {
    return this.#outbox.dropped
  }

  /** Whether the answer to a request about topics has to wait. */
  get replaying(): boolean {
    return this.#replay !== undefined
  }

  /** Its messages are numbered by the sequence of all from now on. */
  begin(): void {
    this.#begun = true
  }

  /** A message of the topic `session`, to this client alone. */
  tell(type: string, data: unknown): void {
    const seq = this.#numberOfTelling()
    const { clock } = this.#options
    this.#send(withNumber(seq, encodeTail({ topic: 'session', type, data, wallTimeMs: clock.wallTime() })))
  }

  /** Lossless: what does not fit ends the client. */
  deliver(message: Published): void {
    // It stands in the ring, and comes in its turn.
    if (this.#replay !== undefined) return
    const held = this.#held.get(message.topic)
    if (held === undefined) this.#sendPublished(message)
    else if (held.news.length < this.#options.limits.heldForSnapshot) held.news.push(message)
    else {
      this.#release(message.topic, held, [], [...held.news, message])
      this.tell('gap', { topics: [message.topic] })
    }
  }

  deliverLatest(value: Published): void {
    if (this.#replay === undefined) this.#outbox.sendLatest(value)
    else this.#outbox.hold(value)
  }

  /** The topic's messages wait for its snapshot, which is older; undefined: they do so already. */
  awaitSnapshot(topic: string): Held | undefined {
    if (this.#held.has(topic)) return undefined
    const held = { from: this.#last, news: [] }
    this.#held.set(topic, held)
    return held
  }

  /** false: the client does not wait for it any more. */
  snapshotMade(topic: string, held: Held, items: readonly SnapshotItem[]): boolean {
    if (this.#held.get(topic) !== held) return false
    this.#release(topic, held, items, held.news)
    return true
  }

  /** The client wants no more of the topic. */
  forget(topic: string): void {
    this.#held.delete(topic)
    this.#outbox.forget(topic)
    this.#takeTurns()
  }

  /** Runs it now, or when nothing is left to be sent first. */
  inTurn(act: () => void): void {
    if (this.#replay === undefined && this.#held.size === 0) act()
    else this.#turns.push(act)
  }

  get turnsWaiting(): number {
    return this.#turns.length
  }

  /** Sends what was missed, as fast as the client reads, under the numbers that it had. */
  replay(missed: Missed): void {
    this.#begun = true
    this.#last = missed.since
    this.#replay = { missed, after: missed.since, values: 0, replayed: 0 }
    this.#pump()
  }

  /** The end of the client; nothing is sent after it. */
  finish(): void {
    this.#finished = true
    const { sequence, unfinished } = this.#options
    for (const [topic, { from }] of this.#held) unfinished({ topic, from, to: sequence.last + 1 })
    this.#held.clear()
    const { latest } = this.#options
    for (const value of this.#outbox.clear()) latest.renumber(value, sequence.next())
    this.#replay = undefined
    this.#turns.length = 0
  }

  #pump(): void {
    const replay = this.#replay
    if (replay === undefined) return
    const { missed } = replay
    const { ring, wants } = this.#options
    while (this.#replay === replay && !this.#outbox.slow) {
      if (ring.forgotten > replay.after) return this.#endReplay(() => missed.overtaken())
      const message = ring.after(replay.after)
      const value = missed.values[replay.values]
      if (value !== undefined && value.seq < (message?.seq ?? Number.POSITIVE_INFINITY)) {
        replay.values += 1
        this.#last = value.seq
        this.#send(withNumber(value.seq, value.value.tail))
      } else if (message === undefined) {
        return this.#endReplay(() => missed.done(replay.replayed))
      } else {
        replay.after = message.seq
        if (!wants(message)) continue
        replay.replayed += 1
        this.#last = message.seq
        this.#send(message.frame)
      }
    }
  }

  #endReplay(then: () => void): void {
    this.#replay = undefined
    then()
    this.#outbox.flush()
    this.#takeTurns()
  }

  #release(topic: string, { from }: Held, items: readonly SnapshotItem[], news: readonly Published[]): void {
    this.#held.delete(topic)
    const { clock, sequence, unfinished, onLast } = this.#options
    for (const { type, data, last = false } of items) {
      this.#last = sequence.next()
      this.#send(withNumber(this.#last, encodeTail({ topic, type, data, wallTimeMs: clock.wallTime() })))
      if (last) onLast(topic)
    }
    for (const message of news) this.#sendPublished(message)
    if (items.length + news.length > 0) unfinished({ topic, from, to: this.#last })
    this.#takeTurns()
  }

  #takeTurns(): void {
    while (this.#turns.length > 0 && this.#replay === undefined && this.#held.size === 0)
      this.#turns.shift()?.()
  }

  #sendPublished(message: Published): void {
    this.#send(this.#frameOf(message))
    if (message.last) this.#options.onLast(message.topic)
  }

  #frameOf(message: Published): Buffer {
    if (message.seq > this.#last) {
      this.#last = message.seq
      return message.frame
    }
    const { sequence, latest } = this.#options
    this.#last = sequence.next()
    latest.renumber(message, this.#last)
    return withNumber(this.#last, message.tail)
  }

  #numberOfTelling(): number {
    if (this.#replay !== undefined) return this.#last
    if (this.#begun) this.#last = this.#options.sequence.next()
    return this.#begun ? this.#last : ++this.#greetings
  }

  #send(frame: Buffer): void {
    if (!this.#finished && !this.#outbox.send(frame)) this.#options.onTooSlow()
  }
}
