import type { MqttPrincipal } from '../account/mqtt-users.ts'
import type { Verdict } from './policy.ts'
import type { Publisher } from './publisher.ts'
import { matches } from './topics/topic-filter.ts'
import { TopicListeners } from './topics/topic-listeners.ts'
import type { GatewayTopics } from './topics/topics.ts'

/** A message that the policy has let through; also a will. */
export interface BrokerMessage {
  /** Who has sent it; undefined: the gateway itself. */
  readonly who: MqttPrincipal | undefined
  /** Within the broker: it begins with the user's name. Undefined as `who` is. */
  readonly clientId: string | undefined
  readonly topic: string
  /** Must not be changed. */
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

/** A client that was let in, or whose connection has ended without another in its place. */
export interface ClientEvent {
  readonly type: 'connected' | 'left'
  readonly who: MqttPrincipal
  readonly clientId: string
  readonly address: string
}

export interface RetainedMessage {
  readonly topic: string
  readonly payload: Buffer | string
}

/** A client has subscribed, or its session with these filters is back. */
export interface SubscribedEvent extends Omit<ClientEvent, 'type'> {
  /** Those that were granted. */
  readonly filters: readonly string[]
}

/** What those parts of the gateway see of the broker that live on its topics. */
export interface BrokerPort {
  readonly topics: GatewayTopics
  readonly publisher: Publisher
  /** Hears of every message that fits, after it was published; the gateway's own ones too. Returns the function that ends it. */
  onMessage(filter: string, listener: (message: BrokerMessage) => void): () => void
  /**
   * Is asked before a message of a client with QoS 1 or 2 is acknowledged and published, which waits for the promise: for those
   * who must not lose it. A rejection cuts the client off, so it sends the message again.
   */
  beforeAcknowledged(filter: string, listener: (message: BrokerMessage) => Promise<void>): () => void
  onClient(listener: (event: ClientEvent) => void): () => void
  /** The last retained message of each topic that fits, as it is when its turn comes. */
  retained(filters: readonly string[]): Iterable<RetainedMessage>
  /**
   * Publishes for somebody who is no client, such as a broker above; under the policy, if `who` is given, else without commands that are
   * retained. Resolves when all who listen have been served, or at once with the refusal. The payload must not be used for anything else.
   */
  publishFor(
    who: MqttPrincipal | undefined,
    message: Pick<BrokerMessage, 'topic' | 'payload' | 'retain'>,
  ): Promise<Verdict>
  onSubscribed(listener: (event: SubscribedEvent) => void): () => void
  /** Hears of every command that fits and that the policy has stopped, so that its sender can be told. */
  onRefused(filter: string, listener: (command: RefusedCommand) => void): () => void
}

export interface RefusedCommand {
  readonly topic: string
  readonly payload: Buffer
  /** It was retained, or its sender may only watch. */
  readonly reason: 'retained_command' | 'command'
}

/** Something that lives on the broker's topics. */
export interface BrokerPart {
  /** The broker runs, and nobody is let in yet. A rejection stops the start. */
  start(port: BrokerPort): Promise<void>
  /** While clients can still be told; has 500 ms. */
  stop(): Promise<void>
}

/** Those who listen from within, by filter. */
export class InnerListeners {
  readonly #after = new TopicListeners<(message: BrokerMessage) => void>()
  readonly #before = new TopicListeners<(message: BrokerMessage) => Promise<void>>()
  readonly #clients = new Set<(event: ClientEvent) => void>()
  readonly #subscribed = new Set<(event: SubscribedEvent) => void>()
  readonly #refused = new Set<{ readonly filter: string; readonly call: (command: RefusedCommand) => void }>()

  port(parts: Pick<BrokerPort, 'topics' | 'publisher' | 'retained' | 'publishFor'>): BrokerPort {
    return {
      ...parts,
      onMessage: (filter, call) => this.#after.add(filter, call),
      beforeAcknowledged: (filter, call) => this.#before.add(filter, call),
      onClient: listener => added(this.#clients, listener),
      onSubscribed: listener => added(this.#subscribed, listener),
      onRefused: (filter, call) => added(this.#refused, { filter, call }),
    }
  }

  published(message: BrokerMessage): void {
    for (const call of this.#after.for(message.topic)) call(message)
  }

  /** undefined: nobody has to be waited for. */
  accepting(message: BrokerMessage): Promise<unknown> | undefined {
    const found = this.#before.for(message.topic)
    return found.length === 0 ? undefined : Promise.all(found.map(call => call(message)))
  }

  refused(command: RefusedCommand): void {
    for (const { filter, call } of this.#refused) if (matches(filter, command.topic)) call(command)
  }

  client(event: ClientEvent): void {
    for (const listener of this.#clients) listener(event)
  }

  subscribed(event: SubscribedEvent): void {
    for (const listener of this.#subscribed) listener(event)
  }
}

function added<T>(set: Set<T>, item: T): () => void {
  set.add(item)
  return () => void set.delete(item)
}
