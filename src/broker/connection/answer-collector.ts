export const connack = 0x20
const suback = 0x90
const unsuback = 0xb0

/** Finds CONNACK, SUBACK and UNSUBACK among the pieces in which aedes writes its packets, and puts their pieces together. */
export class AnswerCollector {
  #isFirst = false
  #pieces: Buffer[] | undefined

  packetBegins(): void {
    this.#isFirst = true
  }

  /** The whole packet when this was its last piece, nothing while it goes on; undefined: a piece of another packet. */
  take(piece: Buffer): Buffer | undefined {
    if (this.#isFirst) {
      this.#isFirst = false
      const [first] = piece
      if (first === connack || first === suback || first === unsuback) this.#pieces = []
    }
    if (this.#pieces === undefined) return undefined
    this.#pieces.push(piece)
    const bytes = Buffer.concat(this.#pieces)
    // Of 64 filters at most: its length is one byte.
    const length = bytes[1]
    if (length === undefined || bytes.length < 2 + length) return Buffer.alloc(0)
    this.#pieces = undefined
    return bytes
  }
}
