import { Damage } from './damage.ts'

/** Bits that are read from the end of a piece of bytes towards its beginning (RFC 8878 §4.1): the highest set bit of the last byte marks where they begin. */
export class BackwardBits {
  #bytes: Uint8Array = new Uint8Array(0)
  #firstBit = 0
  #at = 0

  /** `bytes` must go on for at least four bytes behind `end`. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    const last = end > start ? (bytes[end - 1] ?? 0) : 0
    if (last === 0) throw new Damage('a bit stream has no end mark')
    this.#bytes = bytes
    this.#firstBit = start * 8
    this.#at = (end - 1) * 8 + (31 - Math.clz32(last))
  }

  /** Bits that have not been read. */
  get left(): number {
    return this.#at - this.#firstBit
  }

  /** Up to 24 bits. */
  read(count: number): number {
    const at = this.#at - count
    if (at < this.#firstBit) throw new Damage('a bit stream ends too early')
    this.#at = at
    return this.#at24(at) & ((1 << count) - 1)
  }

  /** The next `count` bits without going on; zeros where there are none. */
  peek(count: number): number {
    const at = this.#at - count
    const mask = (1 << count) - 1
    if (at >= this.#firstBit) return this.#at24(at) & mask
    return (this.#at24(this.#firstBit) << (this.#firstBit - at)) & mask
  }

  skip(count: number): void {
    this.#at -= count
    if (this.#at < this.#firstBit) throw new Damage('a bit stream ends too early')
  }

  #at24(bit: number): number {
    const bytes = this.#bytes
    const at = bit >>> 3
    return (
      ((bytes[at] ?? 0) |
        ((bytes[at + 1] ?? 0) << 8) |
        ((bytes[at + 2] ?? 0) << 16) |
        ((bytes[at + 3] ?? 0) << 24)) >>>
      (bit & 7)
    )
  }
}
