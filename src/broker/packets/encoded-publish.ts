/** Bytes to send. They must not change: many connections may send the same ones. */
export interface Encoded {
  readonly bytes: Buffer
  /** Where a packet identifier is to be put when they are copied; 0: nowhere. */
  readonly idAt: number
}

/** A payload from here on is sent from where it is, not copied for each receiver. */
const largePayloadBytes = 4096
const none: Encoded = { bytes: Buffer.alloc(0), idAt: 0 }

/** One message as the PUBLISH packets that it becomes (§3.3), each encoded once for all who get it. */
export class EncodedPublish {
  readonly #topic: string
  readonly #payload: Buffer
  readonly #large: boolean
  readonly #heads: [Encoded | undefined, Encoded | undefined, Encoded | undefined] = [
    undefined,
    undefined,
    undefined,
  ]

  constructor(topic: string, payload: string | Buffer) {
    this.#topic = topic
    this.#payload = typeof payload === 'string' ? Buffer.from(payload) : payload
    this.#large = this.#payload.length >= largePayloadBytes
  }

  /** All of the packet, or all but a large payload; not retained, no repetition. */
  head(qos: 0 | 1 | 2): Encoded {
    const head = this.#heads[qos] ?? this.#encode(qos)
    this.#heads[qos] = head
    return head
  }

  /** What follows the head; empty unless the payload is large. */
  get tail(): Encoded {
    return this.#large ? { bytes: this.#payload, idAt: 0 } : none
  }

  #encode(qos: 0 | 1 | 2): Encoded {
    const topicBytes = Buffer.byteLength(this.#topic)
    const variableBytes = 2 + topicBytes + (qos > 0 ? 2 : 0)
    const bodyBytes = variableBytes + this.#payload.length
    const headerBytes = 1 + lengthBytes(bodyBytes)
    const bytes = Buffer.allocUnsafe(headerBytes + (this.#large ? variableBytes : bodyBytes))
    bytes[0] = 0x30 | (qos << 1)
    let rest = bodyBytes
    for (let at = 1; at < headerBytes; at++) {
      bytes[at] = (rest & 127) | (rest > 127 ? 128 : 0)
      rest >>= 7
    }
    bytes.writeUInt16BE(topicBytes, headerBytes)
    bytes.write(this.#topic, headerBytes + 2)
    const idAt = qos > 0 ? headerBytes + 2 + topicBytes : 0
    if (!this.#large) this.#payload.copy(bytes, headerBytes + variableBytes)
    return { bytes, idAt }
  }
}

/** Of the remaining length (§2.2.3). */
const lengthBytes = (value: number): number =>
  value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4
