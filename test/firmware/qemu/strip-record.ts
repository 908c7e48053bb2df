/** A picture as the strip got it. */
export interface Picture {
  /** Starts of the firmware before it. */
  readonly boot: number
  /** Since that start, by the firmware's own clock. */
  readonly atMs: number
  /** As the LEDs take them, three a LED; fewer where a reset cut the picture, or while it is still coming. */
  readonly bytes: Uint8Array
}

const ticksPerMs = 25_000
const startByte = 0x21
const stampByte = 0x40
const stampBytes = 17
/** Five slots of the line are a LED bit: high for one is a 0, for three a 1. */
const slotsPerBit = 5

/** Two LED bits of what a UART with inverted output puts on the line for a byte; undefined where a LED would not understand it. */
const bitsOf = Array.from({ length: 256 }, (_, byte): number | undefined => {
  const data = Array.from({ length: 8 }, (_, bit) => ((byte >> bit) & 1) === 0)
  const line = [true, ...data, false]
  let bits = 0
  for (let at = 0; at < line.length; at += slotsPerBit) {
    const slots = line.slice(at, at + slotsPerBit)
    const high = slots.indexOf(false)
    if ((high !== 1 && high !== 3) || slots.includes(true, high)) return undefined
    bits = (bits << 1) | (high === 3 ? 1 : 0)
  }
  return bits
})

/** Reads what the firmware's MPS2 port sends to strip and clock, in pieces as they come. */
export class StripRecord {
  readonly pictures: Picture[] = []
  /** UART bytes whose pulses no LED would understand. */
  badSymbols = 0
  boots = 0
  #rest: Buffer = Buffer.alloc(0)
  #open: { boot: number; atMs: number; bits: number; bytes: number[] } | undefined

  add(piece: Uint8Array): void {
    const bytes = Buffer.concat([this.#rest, piece])
    let at = 0
    while (at < bytes.length) {
      const byte = bytes[at] ?? 0
      if (byte === stampByte) {
        const stamp = bytes.toString('latin1', at + 1, at + stampBytes)
        const cut = stamp.indexOf('!')
        if (cut < 0 && stamp.length < stampBytes - 1) break
        this.#finish()
        const ticks = cut < 0 && /^[0-9a-f]{16}$/.test(stamp) ? Number(`0x${stamp}`) : undefined
        if (ticks !== undefined)
          this.#open = { boot: this.boots, atMs: ticks / ticksPerMs, bits: 0, bytes: [] }
        else if (cut < 0) throw new Error(`no stamp: ${stamp}`)
        at += cut < 0 ? stampBytes : cut + 1
      } else {
        if (byte === startByte) {
          this.#finish()
          this.boots++
        } else this.#symbol(byte)
        at++
      }
    }
    this.#rest = bytes.subarray(at)
  }

  /** The picture that is still coming, or was when QEMU was killed. */
  get partial(): Picture | undefined {
    const open = this.#open
    return open && { boot: open.boot, atMs: open.atMs, bytes: Uint8Array.from(open.bytes) }
  }

  #symbol(byte: number): void {
    const open = this.#open
    const bits = bitsOf[byte]
    if (open === undefined || bits === undefined) {
      this.badSymbols++
      return
    }
    const place = (open.bits >> 3) | 0
    open.bytes[place] = ((open.bytes[place] ?? 0) << 2) | bits
    open.bits += 2
  }

  #finish(): void {
    const open = this.partial
    if (open !== undefined) this.pictures.push(open)
    this.#open = undefined
  }
}
