import { Damage } from './damage.ts'

/** Longest code of Deflate. */
const maxLength = 15
/** Codes up to this length are found with one look. */
const fastBits = 10

/** Prefix codes of Deflate (RFC 1951 §3.2.2), whose bits come least significant first. */
export class HuffmanCodes {
  /** For the next ten bits: symbol · 16 + length; 0 where the code is longer or none. */
  readonly fast = new Uint16Array(1 << fastBits)
  readonly fastMask = (1 << fastBits) - 1
  readonly #counts = new Uint16Array(maxLength + 1)
  readonly #symbols: Uint16Array
  readonly #offsets = new Uint16Array(maxLength + 2)

  constructor(maxSymbols: number) {
    this.#symbols = new Uint16Array(maxSymbols)
  }

  /** `lengths[symbol]`: bits of its code, 0 = not used. A single code may leave the others unused. */
  build(lengths: Uint8Array): void {
    const counts = this.#counts.fill(0)
    for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1
    counts[0] = 0
    let left = 1
    let used = 0
    for (let length = 1; length <= maxLength; length++) {
      const count = counts[length] ?? 0
      left = left * 2 - count
      used += count
      if (left < 0) throw new Damage('there are more codes than their lengths allow')
      this.#offsets[length + 1] = (this.#offsets[length] ?? 0) + count
    }
    if (left > 0 && used > 1) throw new Damage('there are fewer codes than their lengths demand')
    const next = this.#offsets.slice()
    for (const [symbol, length] of lengths.entries()) {
      if (length === 0) continue
      const at = next[length] ?? 0
      this.#symbols[at] = symbol
      next[length] = at + 1
    }
    this.#buildFast()
  }

  #buildFast(): void {
    this.fast.fill(0)
    let code = 0
    let index = 0
    for (let length = 1; length <= fastBits; length++) {
      const behind = index + (this.#counts[length] ?? 0)
      for (; index < behind; index++, code++) {
        const entry = (this.#symbols[index] ?? 0) * 16 + length
        for (let at = reversed(code, length); at <= this.fastMask; at += 1 << length) this.fast[at] = entry
      }
      code <<= 1
    }
  }

  /** The same for a code of any length, bit by bit: symbol · 16 + length; 0 when `bits` begin with no code. */
  slow(bits: number): number {
    let code = 0
    let first = 0
    let index = 0
    for (let length = 1; length <= maxLength; length++) {
      code |= (bits >>> (length - 1)) & 1
      const count = this.#counts[length] ?? 0
      if (code - first < count) return (this.#symbols[index + code - first] ?? 0) * 16 + length
      index += count
      first = (first + count) << 1
      code <<= 1
    }
    return 0
  }
}

function reversed(code: number, length: number): number {
  let out = 0
  for (let bit = 0; bit < length; bit++) out |= ((code >> bit) & 1) << (length - 1 - bit)
  return out
}
