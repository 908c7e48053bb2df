import { fail, ok, type Result } from '../kernel/result.ts'
import { checkHeader, checkPacket } from './check-packet.ts'
import type { Violation } from './violation.ts'

/** A CONNECT has nothing that is long. */
const maxConnectBytes = 1024
/** Fixed header: type and flags, then one to four bytes of length (§2.2). */
const maxHeaderBytes = 5

export interface Split {
  /** A whole packet that has passed every check; undefined: the chunk is used up. */
  readonly packet: Buffer | undefined
  /** Where in the chunk to go on. */
  readonly at: number
}

/**
 * Cuts a client's bytes into packets and checks each. Nothing is set aside for a packet before its length is known and
 * allowed: 1 KiB until CONNECT is through, then `maxPacketBytes`.
 */
export class PacketSplitter {
  readonly #maxPacketBytes: number
  readonly #header = Buffer.alloc(maxHeaderBytes)
  #headerBytes = 0
  #packet: Buffer | undefined
  #filled = 0
  #connected = false

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes
  }

  /** Whether a packet has begun and not ended. */
  get midPacket(): boolean {
    return this.#headerBytes > 0
  }

  /** The next packet of the chunk from `at` on. */
  next(chunk: Buffer, at: number): Result<Split, Violation> {
    let from = at
    while (this.#packet === undefined) {
      const byte = chunk[from]
      if (byte === undefined) return ok({ packet: undefined, at: from })
      from++
      this.#header[this.#headerBytes++] = byte
      const fault = this.#headerFault()
      if (fault !== undefined) return fail(fault)
      const bodyBytes = this.#bodyBytes()
      if (bodyBytes === undefined) continue
      const sizeBytes = this.#headerBytes + bodyBytes
      if (sizeBytes > this.#cap)
        return fail({
          clause: 'limit',
          reason: `a packet of ${sizeBytes} bytes; ${this.#cap} are taken${this.#connected ? '' : ' before CONNECT is through'}`,
        })
      this.#packet = Buffer.allocUnsafe(sizeBytes)
      this.#header.copy(this.#packet, 0, 0, this.#headerBytes)
      this.#filled = this.#headerBytes
    }
    const taken = chunk.copy(this.#packet, this.#filled, from)
    this.#filled += taken
    from += taken
    if (this.#filled < this.#packet.length) return ok({ packet: undefined, at: from })
    return this.#finish(this.#packet, from)
  }

  get #cap(): number {
    return this.#connected ? this.#maxPacketBytes : maxConnectBytes
  }

  #headerFault(): Violation | undefined {
    if (this.#headerBytes === 1) return checkHeader(this.#header[0] ?? 0, this.#connected)
    if (this.#headerBytes === maxHeaderBytes && this.#bodyBytes() === undefined)
      return { clause: '2.2.3', reason: 'a length of more than four bytes' }
    return undefined
  }

  /** undefined while the length goes on. */
  #bodyBytes(): number | undefined {
    let value = 0
    for (let i = 1; i < this.#headerBytes; i++) {
      const byte = this.#header[i] ?? 0
      value += (byte & 127) << (7 * (i - 1))
      if (byte < 128) return value
    }
    return undefined
  }

  #finish(packet: Buffer, at: number): Result<Split, Violation> {
    const fault = checkPacket(packet, this.#headerBytes)
    if (fault !== undefined) return fail(fault)
    this.#headerBytes = 0
    this.#packet = undefined
    this.#connected = true
    return ok({ packet, at })
  }
}
