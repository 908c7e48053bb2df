import { packetTypes } from '../packets/check-packet.ts'
import { RepeatedFilters } from './repeated-filters.ts'

const connack = 0x20
const suback = 0x90
const unsuback = 0xb0
const unfinished = Buffer.alloc(0)

/**
 * Requests of a client and what aedes answers, one at a time: nothing is taken behind a SUBSCRIBE or UNSUBSCRIBE before its
 * answer. aedes writes a packet in pieces; CONNACK, SUBACK and UNSUBACK are put together here, and mended where they have to be.
 */
export class Answers {
  readonly #repeats = new RepeatedFilters()
  #isFirst = false
  #gathered: Buffer | undefined
  #awaited = false
  /** What was kept of the client's session goes on. */
  sessionPresent = false

  get awaited(): boolean {
    return this.#awaited
  }

  /** A packet of the client as aedes is to see it. */
  asked(type: number, packet: Buffer): Buffer {
    if (type === packetTypes.subscribe || type === packetTypes.unsubscribe) this.#awaited = true
    return this.#repeats.take(packet)
  }

  packetBegins(): void {
    this.#isFirst = true
  }

  /** The whole packet when this was its last piece, no bytes while it goes on; undefined: a piece of another packet. */
  take(piece: Buffer): Buffer | undefined {
    if (this.#isFirst) {
      this.#isFirst = false
      const [first] = piece
      if (first === connack || first === suback || first === unsuback) this.#gathered = unfinished
    }
    if (this.#gathered === undefined) return undefined
    const bytes = this.#gathered.length === 0 ? piece : Buffer.concat([this.#gathered, piece])
    this.#gathered = bytes
    // Of 64 filters at most: its length is one byte.
    const length = bytes[1]
    if (length === undefined || bytes.length < 2 + length) return unfinished
    this.#gathered = undefined
    return this.#mended(bytes)
  }

  /** True: an answer that was awaited has come since. */
  settled(): boolean {
    const { awaited } = this
    this.#awaited = false
    return awaited
  }

  #mended(answer: Buffer): Buffer {
    if (answer[0] !== connack) return this.#repeats.give(answer)
    // aedes takes a session without filters for none [MQTT-3.2.2-2].
    return answer[3] === 0 && this.sessionPresent ? Buffer.of(connack, 2, 1, 0) : answer
  }
}
