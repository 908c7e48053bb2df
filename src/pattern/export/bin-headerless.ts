import { fail, ok } from '../../kernel/result.ts'
import { bytesPerPixel, parsePixelOrder } from '../color-order.ts'
import { defaultLimits } from '../limits.ts'
import { orderNotes, rowsLost, storedPixels } from './bin-timed.ts'
import type { Exporter } from './exporter.ts'
import { loopsLost, timesLost } from './losses.ts'

/** Pixels and nothing else, in any order of pixels and colours, as boards play them from their own file system. */
export const rawExporter: Exporter = {
  format: 'raw',
  extensions: ['.dat', '.raw'],
  summary: 'the pixels alone, in any wiring and order of colours; keeps no times',
  write: (pattern, options) => {
    const order = parsePixelOrder(options.colorOrder ?? 'RGB')
    if (!order.ok) return order
    const leds = options.map?.length ?? pattern.leds
    if (leds < 1)
      return fail({ kind: 'does_not_fit', message: 'no cell has an LED; there is nothing to write' })
    const frameBytes = leds * bytesPerPixel(order.value)
    const sizeBytes = pattern.frames.length * frameBytes
    if (sizeBytes > defaultLimits.maxBytes) {
      const message = `the file would have ${sizeBytes} bytes; ${defaultLimits.maxBytes} is the limit for raw pixels`
      return fail({ kind: 'does_not_fit', message })
    }
    const bytes = new Uint8Array(sizeBytes)
    for (const [index, { pixels }] of pattern.frames.entries())
      bytes.set(storedPixels(pixels, options.map, order.value), index * frameBytes)
    const notes = [
      `the file does not say that it has ${leds} LEDs (${frameBytes} bytes a frame)`,
      ...rowsLost(pattern),
      timesLost(pattern),
      ...loopsLost(pattern),
      ...orderNotes(pattern, options.map, order.value),
    ]
    return ok({ bytes, notes })
  },
}
