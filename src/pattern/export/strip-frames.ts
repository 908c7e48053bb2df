import { fail, ok, type Result } from '../../kernel/result.ts'
import { bytesPerPixel, type PixelOrder, parsePixelOrder } from '../color-order.ts'
import type { PatternFault } from '../fault.ts'
import type { Pattern } from '../pattern.ts'
import { orderNotes, storedPixels } from './bin-timed.ts'
import type { ExportOptions } from './exporter.ts'
import { loopsLost } from './losses.ts'

/** A pattern as a strip takes it: pixels in the order of `map`, colours in `order`. */
export interface StripFrames {
  readonly leds: number
  readonly order: PixelOrder
  readonly bytesPerLed: number
  /** Bytes of a frame, from 0; a view of the pattern where nothing changes: never write to it. */
  readonly frame: (index: number) => Uint8Array
  /** What is lost by the order, and the number of repeats. */
  readonly notes: readonly string[]
}

/** Heeds `map` and `colorOrder`; `threeBytes`: the format with its article, if its LEDs have three. Faults `bad_request`, `does_not_fit`. */
export function stripFrames(
  pattern: Pattern,
  options: ExportOptions,
  threeBytes?: string,
): Result<StripFrames, PatternFault> {
  const parsed = parsePixelOrder(options.colorOrder ?? 'RGB')
  if (!parsed.ok) return parsed
  const order = parsed.value
  const bytesPerLed = bytesPerPixel(order)
  if (threeBytes !== undefined && bytesPerLed !== 3) {
    const message = `${threeBytes} has three bytes an LED; ${order} needs ${bytesPerLed}: use an order of R, G and B, or a raw file`
    return fail({ kind: 'bad_request', message })
  }
  const { map } = options
  if (map?.some(pixel => pixel >= pattern.leds) === true) {
    const message = `the order of the pixels was made for another canvas than the pattern's ${pattern.width}×${pattern.height}; use one for its size`
    return fail({ kind: 'bad_request', message })
  }
  const leds = map?.length ?? pattern.leds
  if (leds < 1)
    return fail({ kind: 'does_not_fit', message: 'no cell has an LED; there is nothing to write' })
  return ok({
    leds,
    order,
    bytesPerLed,
    frame: index => storedPixels(pattern.frames[index]?.pixels ?? new Uint8Array(0), map, order),
    notes: [...orderNotes(pattern, map, order), ...loopsLost(pattern)],
  })
}
