import type { Duplex } from 'node:stream'
import type { Clock } from '../../kernel/clock.ts'
import type { Encoded } from '../packets/encoded-publish.ts'
import type { PacketCounts } from '../packets/packet-counts.ts'
import type { SendTurn } from './send-turn.ts'

/** What may wait for a client before those who send to it wait too. */
const maxWaitingBytes = 256 * 1024
/** So little must be left before they go on. */
const lowWaitingBytes = maxWaitingBytes / 4
/** A client for which so much waits is not slow but gone; several publishers may each have been a packet too late. */
const tooMuchBytes = 4 * maxWaitingBytes
/** Written without waiting for the end of the turn. */
const earlyBytes = 64 * 1024
/** Sent parts that are not cut off yet. */
const maxSentParts = 512

/** What waits to be sent over one connection. */
export class Outgoing {
  readonly #socket: Duplex
  readonly #turn: SendTurn
  readonly #clock: Clock
  readonly #counts: Pick<PacketCounts, 'bytesSent'>
  readonly #onRoom: () => void
  readonly #onStall: () => void
  /** Handed over and not yet taken. */
  #handedBytes = 0
  #parts: Encoded[] = []
  /** Packet identifier of each part that has one. */
  #ids: number[] = []
  #head = 0
  #waitingBytes = 0
  #listed = false
  /** Since when more waits than may; undefined: it does not. */
  fullSinceMs: number | undefined
  /** Since when the other side has taken nothing; undefined: all was taken, or it was not asked to. */
  stalledSinceMs: number | undefined

  constructor(
    socket: Duplex,
    parts: {
      readonly turn: SendTurn
      readonly clock: Clock
      readonly counts: Pick<PacketCounts, 'bytesSent'>
      /** It is not full any more. */
      readonly onRoom: () => void
      /** The other side has not taken all at once. */
      readonly onStall: () => void
    },
  ) {
    const { turn, clock, counts, onRoom, onStall } = parts
    this.#socket = socket
    this.#turn = turn
    this.#clock = clock
    this.#counts = counts
    this.#onRoom = onRoom
    this.#onStall = onStall
  }

  get waitingBytes(): number {
    return this.#waitingBytes + this.#handedBytes
  }

  get overflowing(): boolean {
    return this.waitingBytes > tooMuchBytes
  }

  /** Sends it at the end of the turn, with `id` in its place; the bytes must not change until then. */
  add(part: Encoded, id = 0): void {
    this.#parts.push(part)
    this.#ids.push(id)
    this.#waitingBytes += part.bytes.length
    if (this.#waitingBytes >= earlyBytes && this.#handedBytes === 0) this.flush()
    else if (!this.#listed) {
      this.#listed = true
      this.#turn.add(this)
    }
    if (this.waitingBytes > maxWaitingBytes) this.fullSinceMs ??= this.#clock.now()
  }

  /** Hands over as much as is taken at once, and a little more. */
  flush(): void {
    this.#listed = false
    while (this.#head < this.#parts.length && this.#handedBytes === 0) this.#write(this.#together())
    this.#cut()
    if (this.fullSinceMs === undefined || this.waitingBytes > lowWaitingBytes) return
    this.fullSinceMs = undefined
    this.#onRoom()
  }

  /** Hands over all there is, for a socket that is about to be ended. */
  flushAll(): void {
    while (this.#head < this.#parts.length) this.#write(this.#together())
    this.#cut()
  }

  /** Forgets what nobody will take any more. */
  clear(): void {
    this.#parts = []
    this.#ids = []
    this.#head = 0
    this.#waitingBytes = 0
    this.stalledSinceMs = undefined
    this.fullSinceMs = undefined
  }

  /** The next parts in one piece; one that is too large alone, as it is. */
  #together(): Buffer {
    const scratch = this.#turn.scratch()
    let filled = 0
    for (; this.#head < this.#parts.length; this.#head++) {
      const part = this.#parts[this.#head]
      if (part === undefined) continue
      const { bytes, idAt } = part
      if (filled + bytes.length > scratch.length) {
        if (filled > 0) break
        this.#head++
        return bytes
      }
      scratch.set(bytes, filled)
      if (idAt > 0) {
        const id = this.#ids[this.#head] ?? 0
        scratch[filled + idAt] = id >> 8
        scratch[filled + idAt + 1] = id & 255
      }
      filled += bytes.length
    }
    return scratch.subarray(0, filled)
  }

  #write(bytes: Buffer): void {
    this.#waitingBytes -= bytes.length
    if (!this.#socket.writable) return
    this.#counts.bytesSent += bytes.length
    this.#socket.write(bytes, this.#written)
    if (this.#socket.writableLength === 0) return
    this.#handedBytes = this.#socket.writableLength
    this.#turn.keepScratch()
    if (this.stalledSinceMs !== undefined) return
    this.stalledSinceMs = this.#clock.now()
    this.#onStall()
  }

  readonly #written = (): void => {
    if (this.#handedBytes === 0) return
    this.#handedBytes = this.#socket.writableLength
    this.stalledSinceMs = this.#handedBytes > 0 ? this.#clock.now() : undefined
    if (this.#handedBytes === 0) this.flush()
  }

  #cut(): void {
    if (this.#head === this.#parts.length) {
      this.#parts.length = 0
      this.#ids.length = 0
    } else if (this.#head > maxSentParts) {
      this.#parts.splice(0, this.#head)
      this.#ids.splice(0, this.#head)
    } else return
    this.#head = 0
  }
}
