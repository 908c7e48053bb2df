import type { Client, PublishPacket } from 'aedes'
import { packetTypes } from '../packets/check-packet.ts'
import type { Encoded } from '../packets/encoded-publish.ts'

/** aedes takes whom a message is from, though its types do not say so. */
export interface MessageBroker {
  publish(packet: PublishPacket, client: Client, done: (error?: Error | null) => void): void
  authorizePublish(client: Client, packet: PublishPacket, done: (error?: Error | null) => void): void
}

interface IncomingParts {
  readonly broker: MessageBroker
  readonly client: Client
  readonly send: (packet: Encoded, id: number) => void
  readonly onFault: (error: Error) => void
  /** There is room again, or nothing is under way any more. */
  readonly onDone: () => void
}

/** Messages of one client that are not yet with all who get them; beyond it no more is read. */
const maxUnderWay = 500
const maxUnderWayBytes = 256 * 1024
/** QoS 2 messages without PUBREL. */
const maxUnreleased = 1000

const acknowledgement = (first: number): Encoded => ({ bytes: Buffer.of(first, 2, 0, 0), idAt: 2 })
const puback = acknowledgement(0x40)
const pubrec = acknowledgement(0x50)
const pubrel = acknowledgement(0x62)
const pubcomp = acknowledgement(0x70)

/**
 * What a client publishes and acknowledges, in the way that aedes would take it, without parsing anything a second time. QoS 2 and
 * acknowledgements of a session that lasts are left to aedes, as its store must know of them.
 */
export class Incoming {
  readonly #parts: IncomingParts
  readonly #clean: boolean
  #underWay = 0
  #underWayBytes = 0
  /** QoS 2 messages without PUBREL; false: not acknowledged with PUBREC yet. */
  #unreleased: Map<number, boolean> | undefined
  /** Acknowledgements that are still to come from the client. */
  #owed = 0

  constructor(parts: IncomingParts) {
    this.#parts = parts
    this.#clean = parts.client.clean
  }

  get idle(): boolean {
    return this.#underWay === 0
  }

  get hasRoom(): boolean {
    return this.#underWay < maxUnderWay && this.#underWayBytes < maxUnderWayBytes
  }

  /** A message was sent that the client has to acknowledge. */
  expect(qos: 1 | 2): void {
    this.#owed += qos
  }

  /** Whether an acknowledgement was waited for, so that it does not count as a packet that the client sends of itself. */
  owed(type: number): boolean {
    if (type < packetTypes.puback || type > packetTypes.pubcomp || this.#owed === 0) return false
    this.#owed--
    return true
  }

  /** False: it is for aedes. */
  publish(first: number, topic: string, messageId: number, payload: Buffer): boolean {
    const qos = ((first >> 1) & 3) as 0 | 1 | 2
    if (qos === 2 && !this.#clean) {
      this.#owed++
      return false
    }
    if (qos === 2 && !this.#isNew(messageId)) return true
    const packet = {
      cmd: 'publish',
      topic,
      payload,
      qos,
      retain: (first & 1) !== 0,
      dup: (first & 8) !== 0,
    } as PublishPacket
    const sizeBytes = payload.length + topic.length
    this.#underWay++
    this.#underWayBytes += sizeBytes
    const { broker, client, onFault, onDone } = this.#parts
    const done = (error?: Error | null) => {
      const wasFull = !this.hasRoom
      this.#underWay--
      this.#underWayBytes -= sizeBytes
      if (error) onFault(error)
      else if ((wasFull && this.hasRoom) || this.#underWay === 0) onDone()
    }
    broker.authorizePublish(client, packet, error => {
      if (error) return done(error)
      if (qos !== 0) this.#accepted(qos, messageId)
      broker.publish(packet, client, done)
    })
    return true
  }

  /** False: it is for aedes. */
  acknowledge(type: number, id: number): boolean {
    if (!this.#clean) return false
    if (type === packetTypes.pubrec) this.#parts.send(pubrel, id)
    else if (type === packetTypes.pubrel) {
      this.#unreleased?.delete(id)
      this.#parts.send(pubcomp, id)
    }
    return true
  }

  #accepted(qos: 1 | 2, id: number): void {
    this.#parts.send(qos === 1 ? puback : pubrec, id)
    if (qos === 2) this.#unreleased?.set(id, true)
  }

  /** A repetition is acknowledged again, unless the first one still waits for it [MQTT-4.3.3-2]. */
  #isNew(id: number): boolean {
    this.#unreleased ??= new Map()
    const known = this.#unreleased.get(id)
    if (known === true) this.#parts.send(pubrec, id)
    if (known !== undefined) return false
    if (this.#unreleased.size >= maxUnreleased) {
      this.#parts.onFault(new Error(`more than ${maxUnreleased} QoS 2 messages without PUBREL`))
      return false
    }
    this.#unreleased.set(id, false)
    this.#owed++
    return true
  }
}
