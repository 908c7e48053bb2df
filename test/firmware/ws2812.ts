/** A picture as it left a pin. */
export interface Picture {
  /** First rising edge. */
  readonly atMs: number
  /** As the LEDs take them, three a LED. */
  readonly bytes: Uint8Array
}

/** What left the pin, and what of it real LEDs might not understand. */
export interface PinRecord {
  readonly pictures: readonly Picture[]
  /** The first ten faults in words. */
  readonly faults: readonly string[]
  readonly faultCount: number
  /** Longest low within a picture. */
  readonly longestLowUs: number
}

const entryBytes = 8
/** High and low of a 0 and a 1 and how far they may be off; WS2812B data sheet (Worldsemi), data transfer time. */
const nominalNs = [
  { high: 400, low: 850 },
  { high: 800, low: 450 },
] as const
const toleranceNs = 150
/** Low for 50 µs and the LEDs show what they have. */
const resetNs = 50_000
/** Between two bytes the chip reads its UART. LEDs that were measured take 6 µs for a reset already, so 5 are asked for. */
const gapNs = 5000

const within = (actual: number, nominal: number) => Math.abs(actual - nominal) <= toleranceNs

/**
 * Decodes transitions as strip and data sheet have it: eight bytes each, little-endian, `cycle << 1 | level`, in pieces as they come. A picture is
 * what stands between two resets; the one under way at the end is left out.
 */
export class Ws2812Decoder {
  readonly #nsPerCycle: number
  readonly #pictures: Picture[] = []
  readonly #faults: string[] = []
  #faultCount = 0
  #longestLowNs = 0
  #start = 0
  #rise = -1
  #fall = -1
  /** Of the picture under way. */
  #bytes: number[] = []
  #bits = 0
  #lastBit: 0 | 1 = 0
  /** The last bit was told by its high. */
  #clear = true
  #rest: Uint8Array = new Uint8Array()

  constructor(frequencyHz: number) {
    this.#nsPerCycle = 1e9 / frequencyHz
  }

  push(piece: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const whole = bytes.length - (bytes.length % entryBytes)
    for (let at = 0; at < whole; at += entryBytes) {
      const [low32, high32] = [view.getUint32(at, true), view.getUint32(at + 4, true)]
      const cycle = high32 * 2 ** 31 + (low32 >>> 1)
      if (low32 & 1) this.#lowEnds(cycle)
      else if (this.#rise >= 0) this.#highEnds(cycle)
    }
    this.#rest = bytes.slice(whole)
  }

  get record(): PinRecord {
    return {
      pictures: this.#pictures,
      faults: this.#faults,
      faultCount: this.#faultCount,
      longestLowUs: this.#longestLowNs / 1000,
    }
  }

  #lowEnds(cycle: number): void {
    const low = (cycle - this.#fall) * this.#nsPerCycle
    this.#rise = cycle
    if (this.#bits > 0 && low >= resetNs) this.#finish()
    if (this.#bits === 0) {
      this.#start = cycle
      return
    }
    this.#longestLowNs = Math.max(this.#longestLowNs, low)
    const nominal = nominalNs[this.#lastBit].low
    if (!this.#clear) return
    if (this.#bits % 8 !== 0 ? !within(low, nominal) : low < nominal - toleranceNs || low > gapNs)
      this.#fault(cycle, `low for ${low.toFixed(0)} ns after bit ${this.#bits - 1}`)
  }

  #highEnds(cycle: number): void {
    const high = (cycle - this.#rise) * this.#nsPerCycle
    this.#clear = within(high, nominalNs[0].high) || within(high, nominalNs[1].high)
    if (!this.#clear) this.#fault(this.#rise, `high for ${high.toFixed(0)} ns is neither 0 nor 1`)
    this.#lastBit = high > 600 ? 1 : 0
    if (this.#bits % 8 === 0) this.#bytes.push(0)
    this.#bytes[this.#bytes.length - 1] = ((this.#bytes.at(-1) ?? 0) << 1) | this.#lastBit
    this.#bits++
    this.#fall = cycle
  }

  #finish(): void {
    if (this.#bits % 24 !== 0) this.#fault(this.#fall, `${this.#bits} bits are no whole number of LEDs`)
    this.#pictures.push({
      atMs: (this.#start * this.#nsPerCycle) / 1e6,
      bytes: Uint8Array.from(this.#bytes).subarray(0, this.#bits >> 3),
    })
    this.#bits = 0
    this.#bytes = []
  }

  #fault(cycle: number, what: string): void {
    this.#faultCount++
    const atMs = (cycle * this.#nsPerCycle) / 1e6
    if (this.#faults.length < 10) this.#faults.push(`${atMs.toFixed(4)} ms: ${what}`)
  }
}
