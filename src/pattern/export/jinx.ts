import { ok } from '../../kernel/result.ts'
import type { Exporter } from './exporter.ts'
import { stripNotes, threeByteStrip } from './strip-bytes.ts'

/** Jinx! `.out`, also the serial stream of Glediator: per frame a byte 1 and the colours of each LED, with 1 written as 2. Heeds `map` and `colorOrder`. */
export const jinxExporter: Exporter = {
  format: 'jinx',
  extensions: ['.out'],
  summary: 'Jinx! recording, also the serial stream of Glediator',
  write: (pattern, options) => {
    const read = threeByteStrip(pattern, options, 'a Jinx! recording')
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
    const notes = stripNotes(pattern, { times: false, rows: false })
    const ones = changed > 0 ? [`${changed} colour values of 1 are written as 2, as the format demands.`] : []
    return ok({
      bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
      notes: [...notes, ...ones],
    })
  },
}
