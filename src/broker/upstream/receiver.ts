import { createHash } from 'node:crypto'
import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { Clock } from '../../kernel/clock.ts'
import { withDeadline } from '../../kernel/deadline.ts'
import { toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { BrokerPort } from '../broker-port.ts'
import { matches } from '../topics/topic-filter.ts'
import { rootTopic } from '../topics/topics.ts'
import { DedupeWindow } from './dedupe-window.ts'
import { downward } from './out-filters.ts'
import type { IncomingMessage } from './remote-session.ts'
import type { TopicMap } from './topic-map.ts'

const rememberedIdsMs = 600_000
const rememberedCommandsMs = 60_000
/** Without a name, what is marked as a repetition is one of the last words on its topic, if they are no older. */
const rememberedWordsMs = 5_000
const maxRemembered = 8_192
/** For those who listen here to take a message. */
const deliverMs = 5_000

export interface ReceiverParts {
  readonly name: string
  readonly gatewayId: string
  readonly in: readonly string[]
  readonly commands: boolean
  readonly maxPacketBytes: number
  readonly map: TopicMap
  readonly clock: Clock
  readonly log: Log
}

/** What comes down from a broker above: commands with the rights of `control`, and what the configuration lets in. */
export class Receiver {
  readonly #parts: ReceiverParts
  readonly #who: MqttPrincipal
  readonly #ids: DedupeWindow
  readonly #commands: DedupeWindow
  readonly #words: DedupeWindow
  /** What must not go up again. */
  readonly #fromAbove = new WeakSet<Buffer>()
  readonly filters: readonly string[]
  received = 0
  duplicates = 0
  refused = 0

  constructor(parts: ReceiverParts) {
    const { clock, name, gatewayId } = parts
    this.#parts = parts
    this.#who = { name: `upstream:${name}`, access: 'control', boardId: null }
    this.#ids = new DedupeWindow(clock, { rememberedMs: rememberedIdsMs, max: maxRemembered })
    this.#commands = new DedupeWindow(clock, { rememberedMs: rememberedCommandsMs, max: maxRemembered })
    this.#words = new DedupeWindow(clock, { rememberedMs: rememberedWordsMs, max: maxRemembered })
    this.filters = [...(parts.commands ? downward(gatewayId) : []), ...parts.in]
  }

  isFromAbove(payload: Buffer): boolean {
    return this.#fromAbove.has(payload)
  }

  /** Never rejects: what cannot be delivered here is not asked for again. */
  async receive(port: BrokerPort, message: IncomingMessage): Promise<void> {
    const { map, clock, log } = this.#parts
    const topic = map.toLocal(message.topic)
    const kind = this.#kindOf(topic)
    if (kind === undefined || message.id?.startsWith(`${this.#parts.gatewayId}:`) === true) {
      this.refused++
      return log.debug({ topic: message.topic }, 'a message from the broker above is not for us')
    }
    if (message.topic.length + message.payload.length > this.#parts.maxPacketBytes) {
      this.refused++
      const { length } = message.payload
      return log.warn({ topic, length }, 'a message from the broker above is too large and was dropped')
    }
    if (this.#isRepetition(topic, kind, message)) {
      this.duplicates++
      return
    }
    this.received++
    const payload = Buffer.from(message.payload)
    this.#fromAbove.add(payload)
    const who = kind === 'command' ? this.#who : undefined
    try {
      const work = port.publishFor(who, { topic, payload, retain: message.retain })
      const verdict = await withDeadline(
        clock,
        deliverMs,
        work,
        'overloaded',
        'those who listen are too slow',
      )
      if (verdict.allowed) return
      this.refused++
      log.warn({ topic, reason: verdict.reason }, 'a message from the broker above was refused')
    } catch (thrown) {
      log.warn(
        { topic, reason: toError(thrown).message },
        'a message from the broker above was not delivered',
      )
    }
  }

  #kindOf(topic: string): 'command' | 'other' | undefined {
    const { gatewayId, commands, in: filters } = this.#parts
    if (topic.startsWith('$') || /[+#\0]/.test(topic) || topic === '') return undefined
    if (topic.startsWith(`${rootTopic}/${gatewayId}/`))
      return commands && downward(gatewayId).some(filter => matches(filter, topic)) ? 'command' : undefined
    return filters.some(filter => matches(filter, topic)) ? 'other' : undefined
  }

  /**
   * Somebody may well press "next" twice, and a plug go on, off and on: without a name only what says so is a repetition. The broker
   * above marks what it sends us again [MQTT-3.3.1-1]; what was sent to it again looks like any other message.
   */
  #isRepetition(
    topic: string,
    kind: 'command' | 'other',
    { id, payload, dup, retain }: IncomingMessage,
  ): boolean {
    if (id !== undefined) return this.#ids.has(id)
    const words = createHash('sha256').update(`${topic}\n${retain}\n`).update(payload).digest('base64')
    if (kind === 'other') return this.#words.has(topic, words) && dup
    return this.#commands.has(words) && (dup || payload.includes('"correlationId"'))
  }
}
