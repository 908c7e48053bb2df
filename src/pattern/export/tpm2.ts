import { fail, ok } from '../../kernel/result.ts'
import { rowsLost } from './bin-timed.ts'
import type { Exporter } from './exporter.ts'
import { timesLost } from './losses.ts'
import { stripFrames } from './strip-frames.ts'

/** The length of a block has 16 bits. */
const maxLeds = Math.floor(0xffff / 3)

/** TPM2 file: a block `C9 DA hi lo data 36` per frame. Heeds `map` and `colorOrder`. */
export const tpm2Exporter: Exporter = {
  format: 'tpm2',
  extensions: ['.tpm2', '.tp2'],
  summary: 'TPM2 recording, as WLED and other players take it',
  write: (pattern, options) => {
    const read = stripFrames(pattern, options, 'a TPM2 recording')
    if (!read.ok) return read
    const strip = read.value
    if (strip.leds > maxLeds) {
      const message = `a block of TPM2 holds ${maxLeds} LEDs; the pattern has ${strip.leds}`
      return fail({ kind: 'does_not_fit', message })
    }
    const size = strip.leds * 3
    const bytes = new Uint8Array((size + 5) * pattern.frames.length)
    for (let index = 0; index < pattern.frames.length; index++) {
      const at = index * (size + 5)
      bytes.set([0xc9, 0xda, size >> 8, size & 0xff], at)
      bytes.set(strip.frame(index), at + 4)
      bytes[at + 4 + size] = 0x36
    }
    return ok({ bytes, notes: [timesLost(pattern), ...rowsLost(pattern), ...strip.notes] })
  },
}
