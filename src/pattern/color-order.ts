import { fail, ok, type Result } from '../kernel/result.ts'
import type { PatternFault } from './fault.ts'

/** Order in which an LED chip takes its three values; the index is the code of SPEC §10.2. WS2812 is GRB. */
export const colorOrders = ['RGB', 'RBG', 'GRB', 'GBR', 'BRG', 'BGR'] as const

export type ColorOrder = (typeof colorOrders)[number]

/** Code of SPEC §10.2: 0 RGB … 5 BGR. */
export const colorOrderCode = (order: ColorOrder): number => colorOrders.indexOf(order)

export function parseColorOrder(text: string): Result<ColorOrder, PatternFault> {
  const found = colorOrders.find(order => order === text.trim().toUpperCase())
  if (found !== undefined) return ok(found)
  return fail({
    kind: 'bad_request',
    message: `'${text}' is no colour order; use one of ${colorOrders.join(', ')}`,
  })
}

/** Rewrites RGB pixels in place into `order`. */
export function reorderColors(pixels: Uint8Array, order: ColorOrder): Uint8Array {
  const from = [...order].map(letter => 'RGB'.indexOf(letter))
  const [first = 0, second = 1, third = 2] = from
  if (order === 'RGB') return pixels
  for (let at = 0; at + 2 < pixels.length; at += 3) {
    const rgb = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0]
    pixels[at] = rgb[first] ?? 0
    pixels[at + 1] = rgb[second] ?? 0
    pixels[at + 2] = rgb[third] ?? 0
  }
  return pixels
}
