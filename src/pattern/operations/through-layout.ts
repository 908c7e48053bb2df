import type { Layout } from '../layout/layout.ts'
import { toCanvasOrder, toStripOrder } from '../wiring.ts'
import { badRequest, type Operation, redraw } from './operation.ts'

/** The canvas as the strip sees it: one row, the LEDs in the order of `layout`. Cells without an LED are left out. */
export const toStrip =
  ({ width, height, leds, map }: Layout): Operation =>
  (pattern, limits) =>
    pattern.width === width && pattern.height === height
      ? redraw(pattern, { width: leds, height: 1 }, limits, pixels =>
          toStripOrder(pixels, map, new Uint8Array(leds * 3)),
        )
      : badRequest(
          `the layout is for a canvas of ${width}×${height}, the pattern is ${pattern.width}×${pattern.height}; scale, crop or pad it to that`,
        )

/** The reverse: a row of LEDs in the order of `layout` on its canvas; cells without an LED are black. */
export const fromStrip =
  ({ width, height, leds, map }: Layout): Operation =>
  (pattern, limits) =>
    pattern.leds === leds
      ? redraw(pattern, { width, height }, limits, pixels =>
          toCanvasOrder(pixels, map, new Uint8Array(width * height * 3)),
        )
      : badRequest(`the layout has ${leds} LEDs, the pattern ${pattern.leds}`)
