import type { AedesPublishPacket } from 'aedes'
import { EncodedPublish } from '../packets/encoded-publish.ts'
import type { Qos } from '../subscriptions.ts'
import { FilterTree } from './filter-tree.ts'

/** aedes notes whom a message is from, though its types do not say so. */
type Emitted = AedesPublishPacket & { readonly clientId?: string }
type Notify = (packet: AedesPublishPacket, done: () => void) => void

/** Of a route: aedes' way to a subscription, or the short one to its connection. */
interface Stop<R> {
  readonly notify: Notify
  readonly receiver: R | undefined
}

/** Topics whose receivers are remembered, and receivers over all of them. */
const maxRoutes = 1000
const maxRemembered = 50_000

const nothing = (): void => undefined

/** One message on its way to all who want it. */
export class Delivery {
  readonly clientId: string | undefined
  readonly topic: string
  readonly qos: Qos
  readonly payloadBytes: number
  /** What the message is known by in the queues of sessions. */
  readonly brokerCounter: number
  readonly #packet: AedesPublishPacket
  #done: () => void
  #encoded: EncodedPublish | undefined
  #pending = 1

  constructor(packet: Emitted, done: () => void) {
    this.#packet = packet
    this.#done = done
    this.clientId = packet.clientId
    this.topic = packet.topic
    this.qos = packet.qos
    this.payloadBytes = packet.payload.length
    this.brokerCounter = packet.brokerCounter
  }

  get encoded(): EncodedPublish {
    this.#encoded ??= new EncodedPublish(this.#packet.topic, this.#packet.payload)
    return this.#encoded
  }

  /** One more to wait for, who calls `served`. */
  expect(): void {
    this.#pending++
  }

  readonly served = (): void => {
    if (--this.#pending > 0) return
    const done = this.#done
    // A receiver remembers its last delivery; that must not keep the publisher, which remembers its own, and so on.
    this.#done = nothing
    done()
  }
}

/**
 * Who wants which topic, in place of aedes' mqemitter, whose message queue is shared by all: there a hundred messages that wait
 * for frozen subscribers hold up everybody's. Here a message waits for its own receivers only.
 */
export class TopicEmitter<R extends object> {
  readonly #deliver: (receiver: R, delivery: Delivery) => void
  readonly #filters = new FilterTree<Notify>()
  readonly #receivers = new WeakMap<Notify, R>()
  readonly #routes = new Map<string, readonly Stop<R>[]>()
  #remembered = 0
  #closed = false
  /** What is being handed to its receivers at this moment. */
  current: Delivery | undefined
  /** Whose subscription aedes makes at this moment: it takes the short way. */
  subscribing: R | undefined

  /** `deliver` gives a message to a connection that takes the short way. */
  constructor(deliver: (receiver: R, delivery: Delivery) => void) {
    this.#deliver = deliver
  }

  on(filter: string, notify: Notify, done?: () => void): this {
    if (this.subscribing !== undefined) this.#receivers.set(notify, this.subscribing)
    this.#filters.add(filter, notify)
    this.#forget()
    if (done !== undefined) setImmediate(done)
    return this
  }

  removeListener(filter: string, notify: Notify, done?: () => void): this {
    // Later, as mqemitter does: what was published before is still delivered.
    setImmediate(() => {
      this.#filters.remove(filter, notify)
      this.#forget()
      done?.()
    })
    return this
  }

  /** `done` is called when all have been served or given up. */
  emit(packet: Emitted, done: (error?: Error) => void = () => undefined): this {
    if (this.#closed) {
      done(new Error('the broker is closed'))
      return this
    }
    const route = this.#routes.get(packet.topic) ?? this.#find(packet.topic)
    if (route.length === 0) {
      done()
      return this
    }
    const delivery = new Delivery(packet, done)
    const outer = this.current
    this.current = delivery
    // aedes takes a message with a lower number than one before it for a repetition, but what is stored first comes later than what is not:
    // so each gets its number now, and repetitions are found by `current`.
    packet.brokerCounter = 0
    for (const { notify, receiver } of route) {
      if (receiver !== undefined) this.#deliver(receiver, delivery)
      else {
        delivery.expect()
        notify(packet, delivery.served)
      }
    }
    packet.brokerCounter = delivery.brokerCounter
    this.current = outer
    delivery.served()
    return this
  }

  close(done: () => void): this {
    this.#closed = true
    setImmediate(done)
    return this
  }

  #find(topic: string): readonly Stop<R>[] {
    const found = this.#filters
      .match(topic)
      .map(notify => ({ notify, receiver: this.#receivers.get(notify) }))
    if (this.#routes.size >= maxRoutes || this.#remembered + found.length > maxRemembered) this.#forget()
    this.#routes.set(topic, found)
    this.#remembered += found.length
    return found
  }

  #forget(): void {
    this.#routes.clear()
    this.#remembered = 0
  }
}
