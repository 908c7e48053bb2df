import { fail, ok, type Result } from '../../kernel/result.ts'
import { checkHeader, checkPacket, packetTypes } from './check-packet.ts'
import { adaptConnect, withoutDup } from './mqtt-31.ts'
import { PublishReader } from './publish-reader.ts'
import type { Violation } from './violation.ts'

/** A CONNECT has nothing that is long. */
const maxConnectBytes = 1024
/** Fixed header: type and flags, then one to four bytes of length (§2.2). */
const maxHeaderBytes = 5

export interface Split {
  /** A whole packet that has passed every check; undefined: the chunk is used up. It may lie within the chunk. */
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
  /** Begun in a former chunk. */
  #begun: Buffer | undefined
  #begunBytes = 0
  #connected = false
  #isMqtt31 = false
  /** What the packet that came last says, if it was a PUBLISH. */
  readonly publish = new PublishReader()

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes
  }

  /** Whether a packet has begun and not ended. */
  get midPacket(): boolean {
    return this.#begunBytes > 0
  }

  /** The next packet of the chunk from `at` on. */
  next(chunk: Buffer, at: number): Result<Split, Violation> {
    if (this.#begunBytes > 0) return this.#goOn(chunk, at)
    const first = chunk[at]
    if (this.#isMqtt31 && first !== undefined) chunk[at] = withoutDup(first)
    return this.#take(chunk, at)
  }

  /** A packet that begins here. */
  #take(chunk: Buffer, at: number): Result<Split, Violation> {
    const size = this.#size(chunk, at, chunk.length)
    if (typeof size === 'object') return fail(size)
    if (at + size > chunk.length) {
      this.#begin(chunk.subarray(at), size)
      return ok({ packet: undefined, at: chunk.length })
    }
    return this.#finish(chunk.subarray(at, at + size), at + size)
  }

  /** A packet that has begun before. */
  #goOn(chunk: Buffer, at: number): Result<Split, Violation> {
    let from = at
    let begun = this.#begun ?? Buffer.alloc(0)
    let size: number | Violation
    // The header comes byte by byte, as its length is in itself; what follows comes as it is there.
    for (;;) {
      size = this.#size(begun, 0, this.#begunBytes)
      if (typeof size === 'object') return fail(size)
      if (begun.length < size && Number.isFinite(size))
        begun = this.#begin(begun.subarray(0, this.#begunBytes), size)
      const wanted = Number.isFinite(size) ? size - this.#begunBytes : 1
      if (wanted === 0) break
      if (from >= chunk.length) return ok({ packet: undefined, at: from })
      const taken = chunk.copy(begun, this.#begunBytes, from, from + wanted)
      this.#begunBytes += taken
      from += taken
    }
    this.#begun = undefined
    this.#begunBytes = 0
    return this.#finish(begun.subarray(0, size), from)
  }

  /** Sets the bytes aside, with room for the rest once its size is known. */
  #begin(bytes: Buffer, size: number): Buffer {
    const begun = Buffer.allocUnsafe(Number.isFinite(size) ? size : maxHeaderBytes)
    this.#begunBytes = bytes.copy(begun)
    this.#begun = begun
    return begun
  }

  /** Of the packet from `at` to at most `end`; infinity while its header is not all there. */
  #size(bytes: Buffer, at: number, end: number): number | Violation {
    if (at >= end) return Number.POSITIVE_INFINITY
    const fault = checkHeader(bytes[at] ?? 0, this.#connected)
    if (fault !== undefined) return fault
    let bodyBytes = 0
    for (let i = 1; i < maxHeaderBytes; i++) {
      if (at + i >= end) return Number.POSITIVE_INFINITY
      const byte = bytes[at + i] ?? 0
      bodyBytes += (byte & 127) << (7 * (i - 1))
      if (byte < 128) return this.#allowed(i + 1 + bodyBytes)
    }
    return { clause: '2.2.3', reason: 'a length of more than four bytes' }
  }

  #allowed(size: number): number | Violation {
    const cap = this.#connected ? this.#maxPacketBytes : maxConnectBytes
    if (size <= cap) return size
    const when = this.#connected ? '' : ' before CONNECT is through'
    return { clause: 'limit', reason: `a packet of ${size} bytes; ${cap} are taken${when}` }
  }

  #finish(packet: Buffer, at: number): Result<Split, Violation> {
    const bodyAt = bodyStart(packet)
    if (!this.#connected) this.#isMqtt31 = adaptConnect(packet, bodyAt)
    const isPublish = (packet[0] ?? 0) >> 4 === packetTypes.publish
    const fault = isPublish ? this.publish.read(packet, bodyAt) : checkPacket(packet, bodyAt)
    if (fault !== undefined) return fail(fault)
    this.#connected = true
    return ok({ packet, at })
  }
}

/** Where the variable header begins, behind type and remaining length. */
function bodyStart(packet: Buffer): number {
  let at = 1
  while ((packet[at] ?? 0) > 127) at++
  return at + 1
}
