import type { Clock, Timer } from '../../kernel/clock.ts'
import { toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { RetainedMessage } from '../broker-port.ts'
import { discoveryForAbove, isDiscovery } from './discovery-topics.ts'
import type { Outbox } from './outbox.ts'
import type { PublishOutcome, RemoteSession } from './remote-session.ts'
import type { Sendable, SendWindow } from './send-window.ts'
import type { TopicMap } from './topic-map.ts'

/** A message that is not acknowledged for so long says that the connection is dead. */
const ackTimeoutMs = 20_000
const lookEveryMs = 5_000
/** Current values that are read ahead. */
const syncAhead = 64
/** Head and properties of a packet, about. */
const packetOverheadBytes = 128
/** Characters that some engines end the connection for. */
const delicate = /[. ]/

export interface CourierParts {
  readonly outbox: Outbox
  readonly window: SendWindow
  readonly map: TopicMap
  readonly gatewayId: string
  readonly clock: Clock
  readonly log: Log
  /** Where the gateway's own state stands, as it is here. */
  readonly statusTopic: string
  /** Current values that are to stand above. */
  readonly values: () => Iterable<RetainedMessage>
}

/** Carries messages over one connection after the other: first that we are there, then what is, then what was. */
export class Courier {
  readonly #parts: CourierParts
  #session: RemoteSession | undefined
  #announced = false
  #values: Iterator<RetainedMessage> | undefined
  /** Since when each topic's message is under way; the oldest first. */
  readonly #sentMs = new Map<string, number>()
  /** The outbox's number up to which a current value is the newer one. */
  readonly #asOf = new Map<string, number>()
  #timer: Timer | undefined
  #count = 0
  /** The engine has shown that it does not take these characters. */
  #plainOnly = false
  #mute = false
  sent = 0
  acknowledged = 0
  /** Messages that it does not take for their size. */
  tooLarge = 0

  constructor(parts: CourierParts) {
    this.#parts = parts
  }

  /** Nothing is left that could be sent now. */
  get idle(): boolean {
    const { window } = this.#parts
    return this.#announced && this.#values === undefined && window.underWay === 0 && window.rows === 0
  }

  begin(session: RemoteSession): void {
    this.#session = session
    this.#announced = false
    this.#mute = false
    const beganMs = this.#parts.clock.now()
    this.#sentMs.clear()
    this.#sentMs.set('', beganMs)
    this.#watch()
    this.#say('online', () => {
      this.#announced = true
      this.#sentMs.delete('')
      this.#values = eachOnce(this.#parts.values())
      this.pump()
    })
  }

  /** The last word; what comes behind it stays in the outbox. */
  goodbye(done: () => void): void {
    this.#announced = false
    this.#say('offline', done)
  }

  /** The gateway's own state. */
  #say(word: 'online' | 'offline', done: () => void): void {
    const { map, statusTopic } = this.#parts
    const session = this.#session
    const message = {
      topic: map.toRemote(statusTopic),
      payload: Buffer.from(word),
      retain: true,
      id: this.#id(),
    }
    session?.publish(message, outcome => {
      if (this.#session !== session) return
      if (outcome.is === 'arrived') done()
      else session.cut(`it does not take ${message.topic} (${outcome.reason}): check its access list`)
    })
  }

  /** `byEngine`: the other end did it. Returns topics that are given up for now. */
  lost(byEngine: boolean): readonly string[] {
    this.#session = undefined
    this.#values = undefined
    this.#timer?.cancel()
    this.#timer = undefined
    const wasAnnounced = this.#announced
    this.#announced = false
    const aside = this.#parts.window.lost((byEngine || this.#mute) && wasAnnounced)
    if (aside.some(topic => delicate.test(this.#parts.map.toRemote(topic)))) this.#plainOnly = true
    return aside
  }

  /** Sends whatever may be sent. */
  pump(): void {
    const { window, outbox } = this.#parts
    const session = this.#session
    if (session === undefined || !this.#announced) return
    while (window.underWay < session.maxUnderWay && this.#session === session) {
      if (this.#values !== undefined && window.syncing < syncAhead && this.#readValue()) continue
      const message = window.take(this.#values === undefined && window.syncing === 0)
      if (message === undefined) break
      try {
        this.#send(session, message)
      } catch (thrown) {
        // It would be met again at each start: better one topic stands still than the gateway.
        this.#giveUp(message, toError(thrown).message)
      }
    }
    outbox.refill()
  }

  #readValue(): boolean {
    const { outbox, window } = this.#parts
    const next = this.#values?.next()
    if (next === undefined || next.done === true) {
      this.#values = undefined
      return false
    }
    const { topic } = next.value
    const payload = Buffer.from(next.value.payload)
    this.#asOf.set(topic, outbox.asOf(topic))
    window.sync({ seq: undefined, epoch: outbox.epoch, topic, payload, retain: true, class: 'state' })
    return true
  }

  #send(session: RemoteSession, message: Sendable): void {
    const { map, clock } = this.#parts
    const topic = map.toRemote(message.topic)
    const payload = isDiscovery(message.topic) ? discoveryForAbove(message.payload, map) : message.payload
    const sizeBytes = Buffer.byteLength(topic) + payload.length + packetOverheadBytes
    if (this.#plainOnly && delicate.test(topic)) return this.#giveUp(message, 'it does not take this topic')
    if (sizeBytes > (session.maxPacketBytes ?? Number.POSITIVE_INFINITY))
      return this.#discard(message, `it takes ${session.maxPacketBytes} bytes at most`)
    this.#sentMs.set(message.topic, clock.now())
    this.sent++
    const id =
      message.seq === undefined ? this.#id() : `${this.#parts.gatewayId}:${message.epoch}:${message.seq}`
    session.publish({ topic, payload, retain: message.retain, id }, outcome => {
      if (this.#session === session) this.#settled(session, message, outcome)
    })
  }

  #settled(session: RemoteSession, message: Sendable, outcome: PublishOutcome): void {
    const { window, outbox } = this.#parts
    this.#sentMs.delete(message.topic)
    if (outcome.is === 'later') return session.cut(`it takes no message for now (${outcome.reason})`)
    if (outcome.is === 'refused') this.#giveUp(message, outcome.reason)
    else {
      this.acknowledged++
      window.acknowledged(message)
      if (message.seq !== undefined) outbox.remove(message.topic, message.seq)
      else outbox.outdate(message.topic, this.#asOf.get(message.topic) ?? 0)
    }
    if (message.seq === undefined) this.#asOf.delete(message.topic)
    this.pump()
  }

  /** The topic is left alone; what waits for it stays in the outbox until it is too old. */
  #giveUp({ topic }: Sendable, reason: string): void {
    const { window, log, map } = this.#parts
    this.#sentMs.delete(topic)
    window.putAside(topic)
    log.warn(
      { topic: map.toRemote(topic), reason },
      'the broker above refuses a topic; it gets no more of it',
    )
  }

  /** The message can never arrive. */
  #discard(message: Sendable, reason: string): void {
    const { window, outbox, log } = this.#parts
    log.warn({ topic: message.topic, reason }, 'a message cannot be sent to the broker above')
    window.remove(message)
    if (message.seq !== undefined) outbox.remove(message.topic, message.seq)
    this.tooLarge++
  }

  #watch(): void {
    const { clock } = this.#parts
    this.#timer = clock.setTimer(lookEveryMs, () => {
      const [oldestMs] = this.#sentMs.values()
      if (oldestMs === undefined || clock.now() - oldestMs < ackTimeoutMs) return this.#watch()
      this.#mute = true
      this.#session?.cut(`it has acknowledged nothing for ${ackTimeoutMs / 1000} s`)
    })
  }

  #id(): string {
    return `${this.#parts.gatewayId}:${this.#parts.outbox.epoch}:v${++this.#count}`
  }
}

/** What changes while the values are read comes behind them as a message of its own. */
function* eachOnce(values: Iterable<RetainedMessage>): Generator<RetainedMessage> {
  const topics = new Set<string>()
  for (const value of values) {
    if (topics.has(value.topic)) continue
    topics.add(value.topic)
    yield value
  }
}
