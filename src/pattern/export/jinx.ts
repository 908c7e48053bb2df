import { ok } from '../../kernel/result.ts'
import { rowsLost } from './bin-timed.ts'
import type { Exporter } from './exporter.ts'
import { timesLost } from './losses.ts'
import { stripFrames } from './strip-frames.ts'

/** Jinx! `.out`, also the serial stream of Glediator: per frame a byte 1 and the colours of each LED, with 1 written as 2. Heeds `map` and `colorOrder`. */
export const jinxExporter: Exporter = {
  format: 'jinx',
  extensions: ['.out'],
  summary: 'Jinx! recording, also the serial stream of Glediator',
  write: (pattern, options) => {
    const read = stripFrames(pattern, options, 'a Jinx! recording')
    if (!read.ok) return read
    const strip = read.value
    const stride = 1 + strip.leds * 3
    const bytes = Buffer.alloc(stride * pattern.frames.length)
    let changed = 0
    for (let index = 0; index < pattern.frames.length; index++) {
      const pixels = bytes.subarray(index * stride + 1, (index + 1) * stride)
      pixels.set(strip.frame(index))
      for (let one = pixels.indexOf(1); one !== -1; one = pixels.indexOf(1, one + 1)) {
        pixels[one] = 2
        changed++
      }
      bytes[index * stride] = 1
    }
    const ones = `the value 1 becomes 2 in ${changed} places: 1 begins a frame`
    const notes = [timesLost(pattern), ...rowsLost(pattern), ...strip.notes, ...(changed > 0 ? [ones] : [])]
    return ok({ bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), notes })
  },
}
