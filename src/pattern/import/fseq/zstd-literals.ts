import { BackwardBits } from './backward-bits.ts'
import { Damage } from './damage.ts'
import { FseTable } from './fse-table.ts'
import { maxStepBytes } from './history.ts'

const maxBits = 11

/** The literals section of a compressed block (RFC 8878 §3.1.1.3.1). The Huffman table stays for later blocks of the frame. */
export class ZstdLiterals {
  readonly bytes = new Uint8Array(maxStepBytes)
  length = 0
  readonly #stream = new BackwardBits()
  readonly #weightTable = new FseTable(6, 255)
  readonly #weights = new Uint8Array(256)
  readonly #symbols = new Uint8Array(1 << maxBits)
  readonly #bits = new Uint8Array(1 << maxBits)
  /** 0: there is no table yet. */
  #tableBits = 0

  beginFrame(): void {
    this.#tableBits = 0
  }

  /** Reads the section at `start`; returns the offset behind it. */
  read(input: Uint8Array, start: number, end: number, maxLength: number): number {
    const byte = (at: number) => input[start + at] ?? 0
    const type = byte(0) & 3
    const format = (byte(0) >> 2) & 3
    if (type >= 2) return this.#readCompressed(input, start, end, maxLength, type === 3, format)
    const [headBytes, length] =
      format === 1
        ? [2, (byte(0) >> 4) | (byte(1) << 4)]
        : format === 3
          ? [3, (byte(0) >> 4) | (byte(1) << 4) | (byte(2) << 12)]
          : [1, byte(0) >> 3]
    const from = start + headBytes
    const behind = from + (type === 1 ? 1 : length)
    this.#setLength(length, maxLength)
    if (behind > end) throw new Damage('literals go beyond their block')
    if (type === 1) this.bytes.fill(input[from] ?? 0, 0, length)
    else this.bytes.set(input.subarray(from, behind))
    return behind
  }

  #setLength(length: number, most: number): void {
    if (length > most) throw new Damage(`${length} literals in a block of at most ${most} bytes`)
    this.length = length
  }

  #readCompressed(
    input: Uint8Array,
    start: number,
    end: number,
    maxLength: number,
    reuse: boolean,
    format: number,
  ): number {
    const byte = (at: number) => input[start + at] ?? 0
    const width = format < 2 ? 10 : format === 2 ? 14 : 18
    const headBytes = format < 2 ? 3 : format + 2
    // Two numbers of `width` bits behind the first four.
    const low = (byte(0) >> 4) | (byte(1) << 4) | (byte(2) << 12) | ((byte(3) & 0xff) << 20)
    const length = low & ((1 << width) - 1)
    const packed =
      width === 10
        ? (low >>> 10) & 0x3ff
        : width === 14
          ? (low >>> 14) & 0x3fff
          : ((low >>> 18) & 0x3ff) | (byte(4) << 10)
    this.#setLength(length, maxLength)
    const from = start + headBytes
    const behind = from + packed
    if (behind > end) throw new Damage('literals go beyond their block')
    let at = from
    if (!reuse) at = this.#readTable(input, from, behind)
    else if (this.#tableBits === 0) throw new Damage('a block refers to a table that was not given')
    if (format === 0) this.#decode(input, at, behind, 0, length)
    else this.#decodeFour(input, at, behind, length)
    return behind
  }

  #decodeFour(input: Uint8Array, start: number, end: number, length: number): void {
    const part = (length + 3) >> 2
    if (length < 6 || end - start < 10) throw new Damage('four streams of literals are too short')
    let at = start + 6
    for (let stream = 0; stream < 4; stream++) {
      const jump = (input[start + stream * 2] ?? 0) | ((input[start + stream * 2 + 1] ?? 0) << 8)
      const behind = stream === 3 ? end : at + jump
      if (behind > end) throw new Damage('a stream of literals goes beyond its section')
      this.#decode(input, at, behind, stream * part, stream === 3 ? length : (stream + 1) * part)
      at = behind
    }
  }

  #decode(input: Uint8Array, start: number, end: number, first: number, behind: number): void {
    const stream = this.#stream
    const symbols = this.#symbols
    const bits = this.#bits
    const out = this.bytes
    const tableBits = this.#tableBits
    stream.begin(input, start, end)
    for (let at = first; at < behind; at++) {
      const code = stream.peek(tableBits)
      stream.skip(bits[code] ?? 0)
      out[at] = symbols[code] ?? 0
    }
    if (stream.left !== 0) throw new Damage('a stream of literals is too long')
  }

  /** RFC 8878 §4.2.1; returns the offset behind the description. */
  #readTable(input: Uint8Array, start: number, end: number): number {
    const head = input[start] ?? 0
    const weights = this.#weights.fill(0)
    const packed = head < 128 ? head : (head - 126) >> 1
    const behind = start + 1 + packed
    if (behind > end) throw new Damage('a Huffman table goes beyond its section')
    let count = head - 127
    if (head < 128) count = this.#readWeights(input, start + 1, behind)
    else
      for (let index = 0; index < count; index++) {
        const pair = input[start + 1 + (index >> 1)] ?? 0
        weights[index] = index % 2 === 0 ? pair >> 4 : pair & 15
      }
    this.#buildTable(count)
    return behind
  }

  /** Weights by two interleaved states, until the bits are used up. */
  #readWeights(input: Uint8Array, start: number, end: number): number {
    const table = this.#weightTable
    const weights = this.#weights
    const stream = this.#stream
    stream.begin(input, table.read(input, start, end), end)
    let state = stream.read(table.log)
    let other = stream.read(table.log)
    let count = 0
    for (;;) {
      // One place is for the last weight, which is not written.
      if (count >= 254) throw new Damage('a Huffman table has too many symbols')
      weights[count++] = table.symbols[state] ?? 0
      const bits = table.bits[state] ?? 0
      if (stream.left < bits) break
      const next = (table.bases[state] ?? 0) + stream.read(bits)
      state = other
      other = next
    }
    weights[count++] = table.symbols[other] ?? 0
    return count
  }

  /** The weight of the last symbol is what is missing to a power of two. */
  #buildTable(count: number): void {
    const weights = this.#weights
    let sum = 0
    for (let symbol = 0; symbol < count; symbol++) {
      const weight = weights[symbol] ?? 0
      if (weight > maxBits) throw new Damage(`a Huffman weight of ${weight}; ${maxBits} is the limit`)
      if (weight > 0) sum += 1 << (weight - 1)
    }
    const tableBits = sum === 0 ? 0 : 32 - Math.clz32(sum)
    const missing = (1 << tableBits) - sum
    if (sum === 0 || tableBits > maxBits || (missing & (missing - 1)) !== 0)
      throw new Damage('the weights of a Huffman table do not add up')
    weights[count] = 32 - Math.clz32(missing)
    let at = 0
    for (let weight = 1; weight <= tableBits; weight++)
      for (let symbol = 0; symbol <= count; symbol++) {
        if (weights[symbol] !== weight) continue
        const behind = at + (1 << (weight - 1))
        this.#symbols.fill(symbol, at, behind)
        this.#bits.fill(tableBits + 1 - weight, at, behind)
        at = behind
      }
    this.#tableBits = tableBits
  }
}
