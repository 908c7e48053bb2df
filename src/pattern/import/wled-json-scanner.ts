import { invalidLine, type PatternFault } from '../fault.ts'

/** Values within values; WLED's files have eight at most. */
const maxDepth = 64
const maxStringBytes = 1024

const quote = 0x22
const comma = 0x2c
const closers: ReadonlyMap<number, number> = new Map([
  [0x5b, 0x5d],
  [0x7b, 0x7d],
])

/**
 * Walks through JSON (RFC 8259) in memory without building it, so that a large file costs no more memory than what is kept of it.
 * After the first fault every reader returns at once with an empty value; look at `fault` when done.
 */
export class WledJsonScanner {
  readonly #bytes: Uint8Array
  #at = 0
  fault: PatternFault | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#at = 3
  }

  get position(): number {
    return this.#at
  }

  /** Goes back to a value that was skipped. */
  goTo(position: number): void {
    if (this.fault === undefined) this.#at = position
  }

  refuse(fault: PatternFault): void {
    this.fault ??= fault
    this.#at = this.#bytes.length
  }

  /** A fault at the line of `at`. */
  invalid(message: string, at = this.#at): void {
    if (this.fault !== undefined) return
    let line = 1
    for (let found = this.#bytes.indexOf(0x0a); found !== -1 && found < at; line++)
      found = this.#bytes.indexOf(0x0a, found + 1)
    this.refuse(invalidLine(line, message))
  }

  /** The next byte that is no white space; undefined at the end. */
  peek(): number | undefined {
    const bytes = this.#bytes
    let byte = bytes[this.#at]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++this.#at]
    return byte
  }

  isNumber = (): boolean => isDigit(this.peek() ?? 0)
  isObject = (): boolean => this.peek() === 0x7b
  isArray = (): boolean => this.peek() === 0x5b
  isString = (): boolean => this.peek() === quote

  /** Each member of an object; `member` must read the value, or skip it. */
  object(member: (key: string) => void): void {
    this.#items(0x7b, 'an object', () => {
      const key = this.string()
      if (this.peek() !== 0x3a) this.#unexpected("':'")
      else this.#at++
      if (this.fault === undefined) member(key)
    })
  }

  /** Each item of an array; `item` must read it, or skip it. */
  array(item: () => void): void {
    this.#items(0x5b, 'an array', item)
  }

  string(): string {
    if (this.peek() !== quote) {
      this.#unexpected('a string')
      return ''
    }
    const from = this.#at
    this.#skipString()
    if (this.#at - from > maxStringBytes) this.invalid('a string that is too long', from)
    if (this.fault !== undefined) return ''
    try {
      return String(JSON.parse(Buffer.from(this.#bytes.subarray(from, this.#at)).toString()))
    } catch {
      this.invalid('a string that is no JSON', from)
      return ''
    }
  }

  /** A whole number below 2³². */
  whole(): number {
    this.peek()
    const from = this.#at
    const bytes = this.#bytes
    let value = 0
    let byte = bytes[this.#at] ?? 0
    while (isDigit(byte) && this.#at - from < 11) {
      value = value * 10 + byte - 0x30
      byte = bytes[++this.#at] ?? 0
    }
    const length = this.#at - from
    if (length === 0 || value > 0xffffffff || byte === 0x2e || byte === 0x65 || byte === 0x45)
      this.#unexpected('a whole number', from)
    return this.fault === undefined ? value : 0
  }

  /** `"RRGGBB"` or `"RRGGBBWW"` as a number of 32 bits, white lowest. */
  hexColor(): number {
    this.peek()
    const bytes = this.#bytes
    const from = this.#at
    let at = from + (bytes[from + 1] === 0x23 ? 2 : 1)
    let value = 0
    let count = 0
    for (; count < 9; count++, at++) {
      const digit = hexDigit(bytes[at] ?? 0)
      if (digit < 0) break
      value = value * 16 + digit
    }
    if (bytes[from] !== quote || bytes[at] !== quote || (count !== 6 && count !== 8)) {
      this.invalid('a colour that is not written as "RRGGBB", "RRGGBBWW" or [red,green,blue]', from)
      return 0
    }
    this.#at = at + 1
    return count === 6 ? value * 256 : value
  }

  /** Passes over any value. */
  skip(): void {
    const open: number[] = []
    do {
      const byte = this.peek()
      const closer = closers.get(byte ?? 0)
      if (closer !== undefined) {
        open.push(closer)
        this.#at++
        if (open.length > maxDepth) this.invalid(`values nested deeper than ${maxDepth}`)
      } else if (byte !== undefined && byte === open.at(-1)) {
        open.pop()
        this.#at++
      } else if (byte === quote) this.#skipString()
      else if (byte === comma || byte === 0x3a) {
        if (open.length === 0) this.#unexpected('a value')
        else this.#at++
      } else this.#skipWord()
    } while (open.length > 0 && this.fault === undefined)
  }

  /** `{a, b}` or `[a, b]`. */
  #items(opener: number, what: string, each: () => void): void {
    if (this.peek() !== opener) {
      this.#unexpected(what)
      return
    }
    const closer = closers.get(opener)
    this.#at++
    if (this.peek() === closer) {
      this.#at++
      return
    }
    while (this.fault === undefined) {
      each()
      const byte = this.peek()
      if (byte === closer) {
        this.#at++
        return
      }
      if (byte !== comma) this.#unexpected(`',' or the end of ${what}`)
      this.#at++
    }
  }

  #skipString(): void {
    const bytes = this.#bytes
    const from = this.#at
    let end = bytes.indexOf(quote, from + 1)
    while (end !== -1 && isEscaped(bytes, from, end)) end = bytes.indexOf(quote, end + 1)
    if (end === -1) this.invalid('a string without an end', from)
    else this.#at = end + 1
  }

  /** A number, true, false or null. */
  #skipWord(): void {
    const from = this.#at
    while (isWord(this.#bytes[this.#at] ?? 0)) this.#at++
    if (this.#at === from) this.#unexpected('a value')
  }

  #unexpected(wanted: string, at = this.#at): void {
    const byte = this.#bytes[at]
    if (byte === undefined) this.invalid(`expected ${wanted}, but the file ends: it was cut short`, at)
    else {
      const found = byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte ${byte}`
      this.invalid(`expected ${wanted}, found ${found}`, at)
    }
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

/** What numbers, true, false and null are made of. */
function isWord(byte: number): boolean {
  const lower = byte | 0x20
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x7a) || byte === 0x2b || byte === 0x2d || byte === 0x2e
}

/** 0 … 15; −1: no hexadecimal digit. */
function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** An odd number of backslashes stands before `end`. */
function isEscaped(bytes: Uint8Array, from: number, end: number): boolean {
  let at = end - 1
  while (at > from && bytes[at] === 0x5c) at--
  return (end - 1 - at) % 2 === 1
}
