import { u16le, writeTimed } from './bin-timed.ts'
import type { Exporter } from './exporter.ts'

const version = 1

/** Upload Bridge `LEDM`: magic, u16 version, u16 LEDs, u16 frames, of a matrix u16 width and height, then the frames. */
export const ledmExporter: Exporter = {
  format: 'ledm',
  extensions: ['.ledm', '.bin'],
  summary: 'Upload Bridge LEDM: says itself what it is, with a time for each frame',
  write: (pattern, options) => {
    const { width, height } = pattern
    const matrix = height > 1 && (options.map?.length ?? pattern.leds) === pattern.leds
    return writeTimed(pattern, options, {
      label: 'an LEDM file',
      maxLeds: 0xffff,
      maxFrames: 0xffff,
      header: (leds, frames) => [
        ...Buffer.from('LEDM'),
        ...[version, leds, frames, ...(matrix ? [width, height] : [])].flatMap(u16le),
      ],
    })
  },
}
