import { fail, ok, type Result } from '../../kernel/result.ts'
import { invalidLine, type PatternFault } from '../fault.ts'

/** The bytes of an Intel HEX file, in the order of their addresses. */
export interface HexImage {
  readonly bytes: Uint8Array
  /** Address of the first byte. */
  readonly address: number
  /** Records of type 03 or 05 are there, which say where a program starts. */
  readonly startsProgram: boolean
  /** Line of the record that holds the byte at `offset`. */
  readonly lineOf: (offset: number) => number
}

/** Bytes that follow each other in the file and in memory. */
interface Run {
  readonly address: number
  readonly outAt: number
  length: number
  readonly line: number
}

/** 255 data bytes, their length, address, type and checksum in digits, and the colon. */
const longestRecord = 1 + 2 * (255 + 5)
/** Pieces out of order that are sorted; a file of more is no export of a pattern. */
const maxRuns = 65_536

const digits = new Int8Array(256).fill(-1)
for (let value = 0; value < 16; value++) {
  digits[value.toString(16).charCodeAt(0)] = value
  digits[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

/**
 * Reads Intel HEX (Hexadecimal Object File Format Specification, Intel 1988): records of types 00 to 05 in any order, checksums,
 * segments and 32-bit addresses. Bytes must lie without gaps and be written once. Faults name the line.
 *
 * Upload Bridge writes addresses beyond 64 KiB with five digits, and its checksums leave the fifth out; they are taken where such a
 * record goes on where the one before ended.
 */
export function readHexImage(text: Uint8Array): Result<HexImage, PatternFault> {
  return new HexReader(text).read()
}

/** Whether a line of the text is a whole record with a right checksum. */
export function isHexRecord(line: Uint8Array): boolean {
  const reader = new HexReader(line)
  return reader.record(0, line.length, 1) === undefined && !reader.five
}

class HexReader {
  readonly #text: Uint8Array
  readonly #out: Uint8Array
  #outLength = 0
  /** The bytes of the record last parsed: length, address, type, data. */
  readonly #record = new Uint8Array(260)
  readonly #runs: Run[] = []
  #base = 0
  #segmented = false
  #extended = false
  #startsProgram = false
  #endLine = 0
  #lastLine = 0
  /** The record last parsed has an address of five digits; their first. */
  five: number | undefined

  constructor(text: Uint8Array) {
    this.#text = text
    this.#out = new Uint8Array(text.length >> 1)
  }

  read(): Result<HexImage, PatternFault> {
    const fault = this.#lines((from, to, line) => this.record(from, to, line) ?? this.#take(line))
    if (fault !== undefined) return fail(fault)
    if (this.#endLine === 0)
      return fail(
        invalidLine(this.#lastLine, 'the end record :00000001FF is missing: the file was cut short'),
      )
    if (this.#runs.length === 0) return fail(invalidLine(this.#endLine, 'the file ends without any data'))
    return this.#assemble()
  }

  /** Calls `each` with the borders of every line that is not blank, until it returns something. */
  #lines<Found>(each: (from: number, to: number, line: number) => Found | undefined): Found | undefined {
    const text = this.#text
    for (let from = 0, line = 1; from < text.length; line++) {
      const found = text.indexOf(0x0a, from)
      const next = found === -1 ? text.length : found + 1
      let to = found === -1 ? text.length : found
      while (to > from && isBlank(text[to - 1])) to--
      if (to > from) {
        this.#lastLine = line
        const stop = each(from, to, line)
        if (stop !== undefined) return stop
      }
      from = next
    }
    return undefined
  }

  /** Parses one line into `#record`. */
  record(from: number, to: number, line: number): PatternFault | undefined {
    const text = this.#text
    const record = this.#record
    if (text[from] !== 0x3a) return invalidLine(line, `a record begins with ':', found ${shown(text[from])}`)
    if (to - from > longestRecord)
      return invalidLine(line, `a record of ${to - from} characters; ${longestRecord} is the most`)
    for (let at = from + 1; at < to; at++)
      if ((digits[text[at] ?? 0] ?? -1) < 0)
        return invalidLine(line, `${shown(text[at])} is no hexadecimal digit (column ${at - from + 1})`)
    const count = to - from < 11 ? 0 : this.#byteAt(from + 1)
    const expected = 11 + 2 * count
    this.five = to - from === expected + 1 ? (digits[text[from + 3] ?? 0] ?? 0) : undefined
    if (to - from !== expected && this.five === undefined)
      return invalidLine(
        line,
        `the record has ${to - from} characters, expected ${expected} for ${count} bytes of data: it was cut short or changed`,
      )
    record[0] = count
    let sum = count
    let at = from + (this.five === undefined ? 3 : 4)
    for (let index = 1; index < 4 + count; index++, at += 2) {
      const byte = this.#byteAt(at)
      record[index] = byte
      sum += byte
    }
    const checksum = this.#byteAt(at)
    if (((sum + checksum) & 0xff) === 0) return undefined
    return invalidLine(
      line,
      `the checksum is ${hex(checksum, 2)}, but the bytes of the record give ${hex(-sum & 0xff, 2)}: a character was changed`,
    )
  }

  #byteAt(at: number): number {
    return ((digits[this.#text[at] ?? 0] ?? 0) << 4) | (digits[this.#text[at + 1] ?? 0] ?? 0)
  }

  /** Obeys the record. */
  #take(line: number): PatternFault | undefined {
    const [count = 0, high = 0, low = 0, type = 0, first = 0, second = 0] = this.#record
    if (this.#endLine > 0)
      return invalidLine(line, `a record after the end record of line ${this.#endLine}; remove one of them`)
    if (type === 0) return this.#data((high << 8) | low, count, line)
    const needed = [0, 0, 2, 4, 2, 4][type]
    if (needed === undefined)
      return invalidLine(line, `a record of type ${hex(type, 2)}; types 00 to 05 are known`)
    if (count !== needed || this.five !== undefined)
      return invalidLine(line, `a record of type ${hex(type, 2)} holds ${needed} bytes, not ${count}`)
    if (type === 1) this.#endLine = line
    if (type === 3 || type === 5) this.#startsProgram = true
    if (type === 2 || type === 4) {
      this.#segmented = type === 2
      this.#extended = true
      this.#base = ((first << 8) | second) * (this.#segmented ? 0x10 : 0x10000)
    }
    return undefined
  }

  #data(offset: number, count: number, line: number): PatternFault | undefined {
    if (this.five !== undefined) {
      const address = this.five * 0x10000 + offset
      const last = this.#runs.at(-1)
      if (this.five === 0 || this.#extended || last === undefined || address !== last.address + last.length)
        return invalidLine(line, 'a digit too many, or an address of five digits out of order')
      return this.#put(address, 4, count, line)
    }
    const beyond = offset + count - 0x10000
    // Within a segment an address comes round at 64 KiB; 32-bit addresses and plain ones go on.
    if (beyond <= 0 || !this.#segmented) return this.#put(this.#base + offset, 4, count, line)
    const before = count - beyond
    return this.#put(this.#base + offset, 4, before, line) ?? this.#put(this.#base, 4 + before, beyond, line)
  }

  #put(address: number, from: number, count: number, line: number): PatternFault | undefined {
    if (count === 0) return undefined
    this.#out.set(this.#record.subarray(from, from + count), this.#outLength)
    const last = this.#runs.at(-1)
    if (last !== undefined && last.address + last.length === address) last.length += count
    else {
      if (this.#runs.length >= maxRuns)
        return invalidLine(line, `more than ${maxRuns} pieces that do not follow each other`)
      this.#runs.push({ address, outAt: this.#outLength, length: count, line })
    }
    this.#outLength += count
    return undefined
  }

  #assemble(): Result<HexImage, PatternFault> {
    const runs = this.#runs.toSorted((a, b) => a.address - b.address)
    const [first] = runs
    const address = first?.address ?? 0
    let end = address
    let line = first?.line ?? 0
    for (const run of runs) {
      if (run.address < end)
        return fail(
          invalidLine(
            Math.max(run.line, line),
            `address ${hex(run.address, 4)} is written twice; above 64 KiB a record of type 04 must come first`,
          ),
        )
      if (run.address > end)
        return fail(
          invalidLine(
            run.line,
            `no record holds the bytes from address ${hex(end, 4)} to ${hex(run.address - 1, 4)}; export the file again, with the gap filled`,
          ),
        )
      end = run.address + run.length
      line = run.line
    }
    const whole = this.#out.subarray(0, this.#outLength)
    const bytes = runs.length === 1 ? whole : new Uint8Array(this.#outLength)
    if (runs.length > 1)
      for (const run of runs)
        bytes.set(whole.subarray(run.outAt, run.outAt + run.length), run.address - address)
    const startsProgram = this.#startsProgram
    return ok({ bytes, address, startsProgram, lineOf: offset => this.#lineOf(runs, address + offset) })
  }

  /** Reads the records again up to the byte at `address`. */
  #lineOf(runs: readonly Run[], address: number): number {
    const run = runs.findLast(candidate => candidate.address <= address)
    let left = (run?.outAt ?? 0) + Math.min(address - (run?.address ?? 0), (run?.length ?? 1) - 1)
    const found = this.#lines((from, to, line) => {
      this.record(from, to, line)
      const [count = 0, , , type] = this.#record
      left -= type === 0 ? count : 0
      return left < 0 ? line : undefined
    })
    return found ?? this.#lastLine
  }
}

const isBlank = (byte: number | undefined): boolean => byte === 0x0d || byte === 0x20 || byte === 0x09

const hex = (value: number, width: number): string => value.toString(16).toUpperCase().padStart(width, '0')

const shown = (byte: number | undefined): string =>
  byte === undefined
    ? 'nothing'
    : byte > 0x20 && byte < 0x7f
      ? `'${String.fromCharCode(byte)}'`
      : `byte ${hex(byte, 2)}`
