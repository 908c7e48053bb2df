import { fail } from '../../kernel/result.ts'
import { u16le, writeTimed } from './bin-timed.ts'
import type { Exporter } from './exporter.ts'

const maxSide = 4096

/** Upload Bridge DIM `.bin`: u16 width, u16 height, u16 frames, then the frames; every cell of the canvas must have an LED. */
export const dimExporter: Exporter = {
  format: 'dim',
  extensions: ['.bin'],
  summary: 'Upload Bridge DIM: width, height, and a time for each frame',
  write: (pattern, options) => {
    const { width, height, leds } = pattern
    if (Math.max(width, height) > maxSide) {
      const message = `the pattern is ${width}×${height}; a DIM file holds ${maxSide} cells a side at most`
      return fail({ kind: 'does_not_fit', message })
    }
    const lit = options.map?.length ?? leds
    if (lit !== leds) {
      const message = `only ${lit} of the ${leds} cells have an LED; a DIM file holds whole rows: use std or raw`
      return fail({ kind: 'does_not_fit', message })
    }
    return writeTimed(pattern, options, {
      label: 'a DIM file',
      maxLeds: maxSide * maxSide,
      maxFrames: 20_000,
      header: (_, frames) => [...u16le(width), ...u16le(height), ...u16le(frames)],
    })
  },
}
