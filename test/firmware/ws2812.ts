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
 * Decodes transitions as strip and data sheet have it. `transitions`: eight bytes each, little-endian, `cycle << 1 | level`. A picture is
 * what stands between two resets; the one under way at the end of the record is left out.
 */
export function decodeWs2812(transitions: Uint8Array, frequencyHz: number): PinRecord {
  const view = new DataView(transitions.buffer, transitions.byteOffset, transitions.byteLength)
  const pictures: Picture[] = []
  const faults: string[] = []
  let [faultCount, longestLowNs, start, rise, fall] = [0, 0, 0, -1, -1]
  let bits: (0 | 1)[] = []
  let clear = true // the last bit was told by its high
  const ns = (cycles: number) => (cycles / frequencyHz) * 1e9
  const fault = (cycle: number, what: string) => {
    faultCount++
    if (faults.length < 10) faults.push(`${(ns(cycle) / 1e6).toFixed(4)} ms: ${what}`)
  }
  const finish = (cycle: number) => {
    if (bits.length % 24 !== 0) fault(cycle, `${bits.length} bits are no whole number of LEDs`)
    const bytes = new Uint8Array(bits.length >> 3)
    for (let i = 0; i < bytes.length * 8; i++)
      bytes[i >> 3] = (bytes[i >> 3] ?? 0) | ((bits[i] ?? 0) << (7 - (i & 7)))
    pictures.push({ atMs: ns(start) / 1e6, bytes })
    bits = []
  }
  const lowEnds = (cycle: number) => {
    const low = ns(cycle - fall)
    if (bits.length > 0 && low >= resetNs) finish(cycle)
    if (bits.length === 0) {
      start = cycle
      return
    }
    longestLowNs = Math.max(longestLowNs, low)
    const nominal = nominalNs[bits.at(-1) ?? 0].low
    if (!clear) return
    if (bits.length % 8 !== 0 ? !within(low, nominal) : low < nominal - toleranceNs || low > gapNs)
      fault(cycle, `low for ${low.toFixed(0)} ns after bit ${bits.length - 1}`)
  }
  for (let at = 0; at + entryBytes <= transitions.length; at += entryBytes) {
    const entry = view.getBigUint64(at, true)
    const cycle = Number(entry >> 1n)
    if (entry & 1n) {
      lowEnds(cycle)
      rise = cycle
    } else if (rise >= 0) {
      const high = ns(cycle - rise)
      const bit = nominalNs.findIndex(nominal => within(high, nominal.high))
      clear = bit >= 0
      if (!clear) fault(rise, `high for ${high.toFixed(0)} ns is neither 0 nor 1`)
      bits.push(bit === 1 || (!clear && high > 600) ? 1 : 0)
      fall = cycle
    }
  }
  return { pictures, faults, faultCount, longestLowUs: longestLowNs / 1000 }
}
