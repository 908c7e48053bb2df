import { ok } from '../../kernel/result.ts'
import { rowsLost, u16le, writeTimed } from './bin-timed.ts'
import type { Exporter } from './exporter.ts'

/** Upload Bridge STD `.bin`: u16 LEDs, u16 frames, then the frames; in any order of pixels and of R, G and B. */
export const stdExporter: Exporter = {
  format: 'std',
  extensions: ['.bin'],
  summary: 'Upload Bridge STD: LEDs, frames, and a time for each frame',
  write: (pattern, options) => {
    const written = writeTimed(pattern, options, {
      label: 'an STD file',
      maxLeds: 10_000,
      maxFrames: 0xffff,
      header: (leds, frames) => [...u16le(leds), ...u16le(frames)],
    })
    if (!written.ok) return written
    const { bytes, notes } = written.value
    return ok({ bytes, notes: [...notes, ...rowsLost(pattern)] })
  },
}
