import { BackwardBits } from './backward-bits.ts'
import { Damage } from './damage.ts'
import { FseTable } from './fse-table.ts'
import type { History } from './history.ts'
import type { ZstdLiterals } from './zstd-literals.ts'

/** For each code its smallest value and how many bits are added to it (RFC 8878 §3.1.1.3.2.1.1). */
interface Codes {
  readonly bases: Int32Array
  readonly bits: Uint8Array
}

function codes(first: number, bits: readonly number[]): Codes {
  let base = first
  const bases = bits.map(count => {
    const own = base
    base += 2 ** count
    return own
  })
  return { bases: Int32Array.from(bases), bits: Uint8Array.from(bits) }
}

const zeros = (count: number) => Array<number>(count).fill(0)
const literalLengths = codes(0, [
  ...zeros(16),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
])
const matchLengths = codes(3, [
  ...zeros(32),
  ...[1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
])

/** Distributions that hold where a block gives none (RFC 8878 §3.1.1.3.2.2). */
const usualLiteralLengths = [
  ...[4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1],
  ...[-1, -1, -1, -1],
]
const usualMatchLengths = [
  ...[1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  ...[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1],
]
const usualOffsets = [
  ...[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  ...[-1, -1, -1, -1, -1],
]

/** A match of more than 2^27 bytes back is beyond any window that is taken. */
const maxOffsetCode = 27

/** A table that may come from the block before. */
class CodeTable {
  readonly table: FseTable
  readonly #usual: readonly number[]
  readonly #usualLog: number
  #known = false

  constructor(maxLog: number, maxSymbol: number, usual: readonly number[], usualLog: number) {
    this.table = new FseTable(maxLog, maxSymbol)
    this.#usual = usual
    this.#usualLog = usualLog
  }

  forget(): void {
    this.#known = false
  }

  /** Returns the offset behind the description. */
  read(mode: number, input: Uint8Array, at: number, end: number): number {
    if (mode === 3) {
      if (!this.#known) throw new Damage('a block refers to a table that was not given')
      return at
    }
    this.#known = true
    if (mode === 2) return this.table.read(input, at, end)
    if (mode === 0) {
      this.table.setCounts(this.#usual, this.#usualLog)
      return at
    }
    this.table.setOnly(input[at] ?? 0)
    return at + 1
  }
}

/** The sequences section of a compressed block: literals and matches by turns, written into the history. */
export class ZstdSequences {
  readonly #stream = new BackwardBits()
  readonly #lengths = new CodeTable(9, 35, usualLiteralLengths, 6)
  readonly #offsets = new CodeTable(8, 31, usualOffsets, 5)
  readonly #matches = new CodeTable(9, 52, usualMatchLengths, 6)
  readonly #recent = new Int32Array(3)

  beginFrame(): void {
    for (const table of [this.#lengths, this.#offsets, this.#matches]) table.forget()
    this.#recent.set([1, 4, 8])
  }

  /** Writes at most `mostBytes`; matches reach at most `windowBytes` back. */
  run(
    input: Uint8Array,
    start: number,
    end: number,
    literals: ZstdLiterals,
    history: History,
    windowBytes: number,
    mostBytes: number,
  ): void {
    const behind = history.at + mostBytes
    let taken = 0
    const [count, at] = sequenceCount(input, start, end)
    if (count > 0) {
      const lengths = this.#lengths.table
      const offsets = this.#offsets.table
      const matches = this.#matches.table
      const stream = this.#stream
      stream.begin(input, this.#readTables(input, at, end), end)
      let lengthState = stream.read(lengths.log)
      let offsetState = stream.read(offsets.log)
      let matchState = stream.read(matches.log)
      for (let left = count; left > 0; left--) {
        const offsetCode = offsets.symbols[offsetState] ?? 0
        const matchCode = matches.symbols[matchState] ?? 0
        const lengthCode = lengths.symbols[lengthState] ?? 0
        if (offsetCode > maxOffsetCode) throw new Damage('a match reaches back too far')
        const far = offsetCode > 24 ? stream.read(offsetCode - 24) * 2 ** 24 : 0
        const offset = (1 << offsetCode) + far + stream.read(Math.min(24, offsetCode))
        const match = (matchLengths.bases[matchCode] ?? 0) + stream.read(matchLengths.bits[matchCode] ?? 0)
        const length =
          (literalLengths.bases[lengthCode] ?? 0) + stream.read(literalLengths.bits[lengthCode] ?? 0)
        const distance = this.#distance(offset, length)
        if (taken + length > literals.length) throw new Damage('a block asks for more literals than it has')
        if (history.at + length + match > behind)
          throw new Damage(`a block holds more than ${mostBytes} bytes`)
        copyLiterals(literals.bytes, taken, length, history)
        taken += length
        if (distance <= 0 || distance > windowBytes || distance > history.at - history.start)
          throw new Damage('a match reaches back before the beginning')
        history.copyMatch(distance, match)
        if (left === 1) break
        lengthState = (lengths.bases[lengthState] ?? 0) + stream.read(lengths.bits[lengthState] ?? 0)
        matchState = (matches.bases[matchState] ?? 0) + stream.read(matches.bits[matchState] ?? 0)
        offsetState = (offsets.bases[offsetState] ?? 0) + stream.read(offsets.bits[offsetState] ?? 0)
      }
      if (stream.left !== 0) throw new Damage('there are bits behind the last sequence')
    } else if (at !== end) throw new Damage('there are bytes behind the literals')
    const rest = literals.length - taken
    if (history.at + rest > behind) throw new Damage(`a block holds more than ${mostBytes} bytes`)
    copyLiterals(literals.bytes, taken, rest, history)
  }

  #readTables(input: Uint8Array, start: number, end: number): number {
    const modes = input[start] ?? 0
    if ((modes & 3) !== 0) throw new Damage('reserved bits are set')
    let at = this.#lengths.read(modes >> 6, input, start + 1, end)
    at = this.#offsets.read((modes >> 4) & 3, input, at, end)
    return this.#matches.read((modes >> 2) & 3, input, at, end)
  }

  /** 1 to 3 name one of the last three distances (RFC 8878 §3.1.1.5). */
  #distance(offset: number, literalLength: number): number {
    const recent = this.#recent
    const [first = 0, second = 0, third = 0] = recent
    if (offset > 3) {
      recent[2] = second
      recent[1] = first
      recent[0] = offset - 3
      return offset - 3
    }
    const which = literalLength === 0 ? offset + 1 : offset
    if (which === 1) return first
    const distance = which === 2 ? second : which === 3 ? third : first - 1
    if (which > 2) recent[2] = second
    recent[1] = first
    recent[0] = distance
    return distance
  }
}

/** The number of sequences and the offset behind it. */
function sequenceCount(input: Uint8Array, start: number, end: number): readonly [count: number, at: number] {
  const byte = (at: number) => input[start + at] ?? 0
  const head = byte(0)
  if (start >= end) throw new Damage('a block ends before its sequences')
  if (head < 128) return [head, start + 1]
  if (head < 255) return [((head - 128) << 8) + byte(1), start + 2]
  return [byte(1) + (byte(2) << 8) + 0x7f00, start + 3]
}

function copyLiterals(literals: Uint8Array, from: number, length: number, history: History): void {
  const { bytes, at } = history
  history.at = at + length
  if (length > 32) bytes.set(literals.subarray(from, from + length), at)
  else for (let index = 0; index < length; index++) bytes[at + index] = literals[from + index] ?? 0
}
