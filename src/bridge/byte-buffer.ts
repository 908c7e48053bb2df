/** Bytes that are gathered up to a cap; beyond it only their number is known. */
export class ByteBuffer {
  readonly #capBytes: number
  #chunks: Uint8Array[] = []
  #heldBytes = 0
  #sizeBytes = 0

  constructor(capBytes: number) {
    this.#capBytes = capBytes
  }

  /** Of all that was put in, held or not. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get overflowed(): boolean {
    return this.#sizeBytes > this.#capBytes
  }

  /** Copies the bytes: what it came in is not kept. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#sizeBytes += bytes.length
    if (this.overflowed) {
      this.#chunks = []
      this.#heldBytes = 0
      return
    }
    this.#chunks.push(new Uint8Array(bytes))
    this.#heldBytes += bytes.length
    // Bytes that come one at a time would cost more for their chunks than for themselves.
    if (this.#chunks.length > 64) this.#chunks = [Buffer.concat(this.#chunks, this.#heldBytes)]
  }

  /** Everything in one piece; empties it. After an overflow there is nothing. */
  take(): Uint8Array {
    const [only] = this.#chunks
    const bytes =
      only !== undefined && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks, this.#heldBytes)
    this.#chunks = []
    this.#heldBytes = 0
    this.#sizeBytes = 0
    return bytes
  }
}
