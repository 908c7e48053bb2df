import { fail, ok, type Result } from '../../kernel/result.ts'
import { bytesPerPixel, encodeColors, type PixelOrder, parsePixelOrder } from '../color-order.ts'
import type { PatternFault } from '../fault.ts'
import type { Pattern } from '../pattern.ts'
import { toStripOrder } from '../wiring.ts'
import type { ExportOptions } from './exporter.ts'

/** A pattern as a strip takes it: pixels in the order of `map`, colours in `order`. */
export interface StripBytes {
  readonly leds: number
  readonly order: PixelOrder
  readonly bytesPerLed: number
  /** Bytes of a frame, from 0; a view of the pattern where nothing changes: never write to it. */
  readonly frame: (index: number) => Uint8Array
}

/** Heeds `map` and `colorOrder`; faults `bad_request`. */
export function stripBytes(pattern: Pattern, options: ExportOptions): Result<StripBytes, PatternFault> {
  const parsed = parsePixelOrder(options.colorOrder ?? 'RGB')
  if (!parsed.ok) return parsed
  const order = parsed.value
  const { map } = options
  if (map !== undefined && (map.length === 0 || map.some(pixel => pixel >= pattern.leds)))
    return fail({
      kind: 'bad_request',
      message: `the order of the pixels was made for another canvas than the pattern's ${pattern.width}×${pattern.height}; use one for its size`,
    })
  const leds = map?.length ?? pattern.leds
  const frame = (index: number): Uint8Array => {
    const pixels = pattern.frames[index]?.pixels ?? new Uint8Array(pattern.leds * 3)
    const strip = map === undefined ? pixels : toStripOrder(pixels, map, new Uint8Array(leds * 3))
    return order === 'RGB' ? strip : encodeColors(strip, order)
  }
  return ok({ leds, order, bytesPerLed: bytesPerPixel(order), frame })
}

/** As `stripBytes`, for formats whose LEDs have three bytes. */
export function threeByteStrip(
  pattern: Pattern,
  options: ExportOptions,
  format: string,
): Result<StripBytes, PatternFault> {
  const strip = stripBytes(pattern, options)
  if (!strip.ok || strip.value.bytesPerLed === 3) return strip
  const message = `${format} holds three bytes an LED; ${strip.value.order} needs ${strip.value.bytesPerLed}, so choose RGB or another order of three`
  return fail({ kind: 'does_not_fit', message })
}

/** What formats without a header of the canvas cannot keep. */
export function stripNotes(
  pattern: Pattern,
  kept: { readonly times: boolean; readonly rows: boolean },
): readonly string[] {
  const { width, height, frames, loopCount } = pattern
  const [first] = frames
  const same = frames.every(frame => frame.delayMs === first?.delayMs)
  const shown = same ? `${first?.delayMs ?? 0} ms a frame` : 'which differ from frame to frame'
  return [
    ...(kept.times ? [] : [`The times are not kept (${shown}).`]),
    ...(kept.rows || height === 1 ? [] : [`The size of ${width}×${height} is not kept, only the order.`]),
    ...(loopCount === 0 ? [] : [`That it plays ${loopCount} times is not kept.`]),
  ]
}
