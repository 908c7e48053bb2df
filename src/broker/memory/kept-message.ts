import type { AedesPublishPacket } from 'aedes'

/** Beyond it a payload is kept outside of the heap. */
const maxTextBytes = 2048
/** What the objects cost beside topic and payload, roughly. */
const overheadBytes = 256
const maxTopics = 256

export const keptBytes = (topic: string, payload: Buffer | string): number =>
  topic.length + payload.length + overheadBytes

/** A message that is kept once, however many sessions wait for it. Thousands may wait: every field counts. */
export class KeptMessage {
  /** The order of all messages, over restarts too. */
  readonly seq: number
  readonly topic: string
  /** Small ones as a text of Latin-1, a character a byte: a Buffer costs two hundred bytes more. */
  readonly #bytes: string | Buffer
  readonly #isText: boolean
  readonly brokerId: string | undefined
  readonly brokerCounter: number | undefined
  /** Sessions that wait for it. */
  references = 0

  constructor(
    packet: Pick<AedesPublishPacket, 'topic' | 'payload'> & Partial<AedesPublishPacket>,
    seq: number,
  ) {
    const { topic, payload } = packet
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    this.seq = seq
    this.topic = shared(topic)
    this.#bytes = bytes.length > maxTextBytes ? copyOf(bytes) : bytes.toString('latin1')
    this.#isText = typeof payload === 'string'
    this.brokerId = packet.brokerId
    this.brokerCounter = packet.brokerCounter
  }

  get sizeBytes(): number {
    return this.topic.length + this.#bytes.length + overheadBytes
  }

  get bytes(): Buffer {
    return typeof this.#bytes === 'string' ? Buffer.from(this.#bytes, 'latin1') : this.#bytes
  }

  /** As it was given. */
  get payload(): Buffer | string {
    return this.#isText ? this.bytes.toString() : this.bytes
  }
}

const topics = new Map<string, string>()

/** The same string for a topic that was there of late: each packet brings its own. */
function shared(topic: string): string {
  const known = topics.get(topic)
  if (known !== undefined) return known
  if (topics.size >= maxTopics) topics.clear()
  topics.set(topic, topic)
  return topic
}

/** In memory of its own: a slice would keep the whole packet, or a pool of 8 KiB, alive. */
export function copyOf(payload: string | Buffer | Uint8Array): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

/** Another object over the same bytes, so that no two packets have the same one. */
export const viewOf = (payload: string | Buffer): Buffer =>
  typeof payload === 'string'
    ? Buffer.from(payload)
    : Buffer.from(payload.buffer, payload.byteOffset, payload.length)
