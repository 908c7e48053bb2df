import type { ByteSource } from '../../byte-source.ts'
import { Damage } from './damage.ts'
import type { Decoder } from './decoder.ts'
import { History } from './history.ts'
import { HuffmanCodes } from './huffman-codes.ts'

const windowBytes = 32 * 1024
/** Input is fetched, and output handed over, in pieces of this size. */
const pieceBytes = 64 * 1024
/** Longest match. */
const maxMatch = 258

/** Smallest value and additional bits of the length codes from 257 on, and of the distance codes (RFC 1951 §3.2.5). */
const lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const distanceBits = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
const lengthBases = basesOf(3, lengthBits).with(28, maxMatch)
const distanceBases = basesOf(1, distanceBits)
/** The order in which the lengths of the code length codes stand. */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

function basesOf(first: number, bits: readonly number[]): Uint16Array {
  let base = first
  return Uint16Array.from(bits, count => {
    base += 2 ** count
    return base - 2 ** count
  })
}

/**
 * Deflate in a zlib wrapper (RFC 1950, 1951) from bytes that are fetched piece by piece. Node's synchronous zlib gives a stream in one
 * piece only, which for a sequence in a single block is the whole show.
 */
export class InflateDecoder implements Decoder {
  readonly #history = new History()
  readonly #literals = new HuffmanCodes(288)
  readonly #distances = new HuffmanCodes(32)
  readonly #lengths = new HuffmanCodes(19)
  #source: ByteSource | undefined
  #piece: Uint8Array = new Uint8Array(0)
  #pieceAt = 0
  #next = 0
  #end = 0
  #hold = 0
  #bits = 0
  #sumLow = 1
  #sumHigh = 0

  run(
    source: ByteSource,
    start: number,
    end: number,
    mostBytes: number,
    take: (bytes: Uint8Array) => boolean,
  ): void {
    this.#source = source
    this.#piece = new Uint8Array(0)
    this.#pieceAt = 0
    this.#next = start
    this.#end = end
    this.#hold = 0
    this.#bits = 0
    this.#sumLow = 1
    this.#sumHigh = 0
    const head = this.#read(8)
    const flags = this.#read(8)
    if ((head & 15) !== 8 || (head * 256 + flags) % 31 !== 0) throw new Damage('this is no zlib stream')
    if ((flags & 0x20) !== 0)
      throw new Damage('it was compressed with a dictionary, which is not in the file')
    this.#history.begin(windowBytes, mostBytes)
    for (;;) {
      const last = this.#read(1) === 1
      const type = this.#read(2)
      if (type === 3) throw new Damage('a block is of a kind that does not exist')
      const more = type === 0 ? this.#storedBlock(take) : this.#codedBlock(type === 1, take)
      if (!more) return
      if (last) break
    }
    if (!this.#handOver(take)) return
    this.#read(this.#bits & 7)
    const expected =
      ((this.#read(8) << 24) | (this.#read(8) << 16) | (this.#read(8) << 8) | this.#read(8)) >>> 0
    if (((this.#sumHigh << 16) | this.#sumLow) >>> 0 !== expected)
      throw new Damage('the check sum does not fit the data')
  }

  #handOver(take: (bytes: Uint8Array) => boolean): boolean {
    const bytes = this.#history.take()
    this.#addToSum(bytes)
    const more = bytes.length === 0 || take(bytes)
    this.#history.makeRoom(windowBytes)
    return more
  }

  /** Adler-32 (RFC 1950 §8.2); 3,800 bytes at a time stay within 2³¹. */
  #addToSum(bytes: Uint8Array): void {
    let low = this.#sumLow
    let high = this.#sumHigh
    for (let at = 0; at < bytes.length; ) {
      const behind = Math.min(bytes.length, at + 3800)
      for (; at < behind; at++) {
        low += bytes[at] ?? 0
        high += low
      }
      low %= 65_521
      high %= 65_521
    }
    this.#sumLow = low
    this.#sumHigh = high
  }

  #fill(): void {
    while (this.#bits <= 16) {
      if (this.#pieceAt >= this.#piece.length) {
        this.#piece =
          this.#source?.read(this.#next, Math.min(pieceBytes, this.#end - this.#next)) ?? this.#piece
        this.#pieceAt = 0
        this.#next += this.#piece.length
        if (this.#piece.length === 0) return
      }
      this.#hold |= (this.#piece[this.#pieceAt++] ?? 0) << this.#bits
      this.#bits += 8
    }
  }

  /** Up to 16 bits. */
  #read(count: number): number {
    if (this.#bits < count) this.#fill()
    if (this.#bits < count) throw new Damage('the data ends within a stream')
    const value = this.#hold & ((1 << count) - 1)
    this.#hold >>>= count
    this.#bits -= count
    return value
  }

  #symbol(codes: HuffmanCodes): number {
    if (this.#bits < 15) this.#fill()
    const entry = codes.fast[this.#hold & codes.fastMask] || codes.slow(this.#hold)
    const length = entry & 15
    if (length === 0) throw new Damage('there is a code that was not declared')
    if (length > this.#bits) throw new Damage('the data ends within a stream')
    this.#hold >>>= length
    this.#bits -= length
    return entry >>> 4
  }

  #storedBlock(take: (bytes: Uint8Array) => boolean): boolean {
    this.#read(this.#bits & 7)
    const length = this.#read(16)
    if (this.#read(16) !== (length ^ 0xffff)) throw new Damage('a length and its check do not fit')
    if (!this.#handOver(take)) return false
    const history = this.#history
    for (let left = length; left > 0; left--) history.bytes[history.at++] = this.#read(8)
    return this.#handOver(take)
  }

  #codedBlock(fixed: boolean, take: (bytes: Uint8Array) => boolean): boolean {
    if (fixed) this.#useFixedCodes()
    else this.#readCodes()
    const history = this.#history
    let full = history.at + pieceBytes
    for (;;) {
      if (history.at >= full) {
        if (!this.#handOver(take)) return false
        full = history.at + pieceBytes
      }
      const symbol = this.#symbol(this.#literals)
      if (symbol < 256) history.bytes[history.at++] = symbol
      else if (symbol === 256) return this.#handOver(take)
      else this.#match(symbol - 257, history)
    }
  }

  #match(lengthCode: number, history: History): void {
    const base = lengthBases[lengthCode]
    if (base === undefined) throw new Damage('there is a length that does not exist')
    const length = base + this.#read(lengthBits[lengthCode] ?? 0)
    const distanceCode = this.#symbol(this.#distances)
    const from = distanceBases[distanceCode]
    if (from === undefined) throw new Damage('there is a distance that does not exist')
    const distance = from + this.#read(distanceBits[distanceCode] ?? 0)
    if (distance > history.at) throw new Damage('a match reaches back before the beginning')
    history.copyMatch(distance, length)
  }

  #useFixedCodes(): void {
    const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280)
    this.#literals.build(lengths)
    this.#distances.build(new Uint8Array(32).fill(5))
  }

  /** RFC 1951 §3.2.7. */
  #readCodes(): void {
    const literals = this.#read(5) + 257
    const distances = this.#read(5) + 1
    const count = this.#read(4) + 4
    if (literals > 286) throw new Damage(`${literals} codes of literals and lengths; 286 is the limit`)
    const own = new Uint8Array(19)
    for (const symbol of lengthOrder.slice(0, count)) own[symbol] = this.#read(3)
    this.#lengths.build(own)
    const all = new Uint8Array(literals + distances)
    for (let at = 0; at < all.length; ) {
      const symbol = this.#symbol(this.#lengths)
      if (symbol < 16) {
        all[at++] = symbol
        continue
      }
      const [value, repeat] =
        symbol === 16
          ? [all[at - 1], 3 + this.#read(2)]
          : [0, symbol === 17 ? 3 + this.#read(3) : 11 + this.#read(7)]
      if (value === undefined || at + repeat > all.length)
        throw new Damage('a list of code lengths does not add up')
      all.fill(value, at, at + repeat)
      at += repeat
    }
    this.#literals.build(all.subarray(0, literals))
    this.#distances.build(all.subarray(literals))
  }
}
