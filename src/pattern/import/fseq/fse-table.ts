import { Damage } from './damage.ts'

const highBit = (value: number): number => 31 - Math.clz32(value)

/** A decoding table of finite state entropy (RFC 8878 §4.1): for each state its symbol, how many bits to read, and what to add to them. */
export class FseTable {
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
  readonly bases: Uint16Array
  readonly #maxLog: number
  readonly #maxSymbol: number
  readonly #counts: Int16Array
  readonly #next: Uint16Array
  /** 2 to this power states. */
  log = 0

  constructor(maxLog: number, maxSymbol: number) {
    this.#maxLog = maxLog
    this.#maxSymbol = maxSymbol
    this.symbols = new Uint8Array(1 << maxLog)
    this.bits = new Uint8Array(1 << maxLog)
    this.bases = new Uint16Array(1 << maxLog)
    this.#counts = new Int16Array(maxSymbol + 1)
    this.#next = new Uint16Array(maxSymbol + 1)
  }

  /** Every state is the same symbol and reads no bits. */
  setOnly(symbol: number): void {
    if (symbol > this.#maxSymbol) throw new Damage(`symbol ${symbol} is above ${this.#maxSymbol}`)
    this.log = 0
    this.symbols[0] = symbol
    this.bits[0] = 0
    this.bases[0] = 0
  }

  setCounts(counts: readonly number[], log: number): void {
    this.#counts.fill(0)
    this.#counts.set(counts)
    this.#build(counts.length, log)
  }

  /** Reads a table description (RFC 8878 §4.1.1); returns the offset behind it. */
  read(bytes: Uint8Array, start: number, end: number): number {
    const log = ((bytes[start] ?? 0) & 15) + 5
    if (log > this.#maxLog) throw new Damage(`a table of 2^${log} states; 2^${this.#maxLog} is the limit`)
    let bit = start * 8 + 4
    const peek = () =>
      ((bytes[bit >>> 3] ?? 0) |
        ((bytes[(bit >>> 3) + 1] ?? 0) << 8) |
        ((bytes[(bit >>> 3) + 2] ?? 0) << 16)) >>>
      (bit & 7)
    let left = 1 << log
    let symbol = 0
    this.#counts.fill(0)
    while (left > 0) {
      if (symbol > this.#maxSymbol) throw new Damage('a table has too many symbols')
      const width = highBit(left + 1) + 1
      const low = (1 << (width - 1)) - 1
      // Small values need one bit less than `width`.
      const short = (1 << width) - 2 - left
      let value = peek() & ((1 << width) - 1)
      if ((value & low) < short) {
        value &= low
        bit += width - 1
      } else {
        if (value > low) value -= short
        bit += width
      }
      const count = value - 1
      left -= Math.abs(count)
      this.#counts[symbol++] = count
      if (count !== 0) continue
      let repeat = 3
      while (repeat === 3) {
        repeat = peek() & 3
        bit += 2
        symbol += repeat
        if (symbol > this.#maxSymbol + 1) throw new Damage('a table has too many symbols')
      }
    }
    const behind = (bit + 7) >>> 3
    if (left !== 0 || behind > end) throw new Damage('a table does not add up')
    this.#build(symbol, log)
    return behind
  }

  #build(symbolCount: number, log: number): void {
    const size = 1 << log
    this.log = log
    let high = size
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      const count = this.#counts[symbol] ?? 0
      this.#next[symbol] = count < 0 ? 1 : count
      if (count < 0) this.symbols[--high] = symbol
    }
    const step = (size >> 1) + (size >> 3) + 3
    let at = 0
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      const count = this.#counts[symbol] ?? 0
      for (let n = 0; n < count; n++) {
        this.symbols[at] = symbol
        do at = (at + step) & (size - 1)
        while (at >= high)
      }
    }
    if (at !== 0) throw new Damage('a table does not add up')
    for (let state = 0; state < size; state++) {
      const symbol = this.symbols[state] ?? 0
      const next = this.#next[symbol] ?? 1
      this.#next[symbol] = next + 1
      const bits = log - highBit(next)
      this.bits[state] = bits
      this.bases[state] = (next << bits) - size
    }
  }
}
