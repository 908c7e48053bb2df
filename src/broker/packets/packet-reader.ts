import { isUtf8 } from 'node:buffer'

/** Reads the fields of an MQTT packet in order. Beyond the end everything is empty, and `short` says so. */
export class PacketReader {
  readonly #bytes: Buffer
  #at: number
  short = false

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get rest(): number {
    return this.#bytes.length - this.#at
  }

  byte(): number {
    return this.#take(1)[0] ?? 0
  }

  /** Big endian, as all numbers of MQTT (§1.5.2). */
  word(): number {
    const two = this.#take(2)
    return two.length === 2 ? two.readUInt16BE(0) : 0
  }

  /** Bytes with their length in front (§1.5.3). */
  bytes(): Buffer {
    return this.#take(this.word())
  }

  /** undefined: not what §1.5.3 calls a UTF-8 string, or with control characters, which it lets us refuse. */
  text(): string | undefined {
    const bytes = this.bytes()
    if (!isUtf8(bytes)) return undefined
    const text = bytes.toString('utf8')
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return undefined
    }
    return text
  }

  #take(length: number): Buffer {
    if (length > this.rest) {
      this.short = true
      this.#at = this.#bytes.length
      return Buffer.alloc(0)
    }
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }
}
