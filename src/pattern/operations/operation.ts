import { fail, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import { defaultLimits, overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, type Frame, type Pattern } from '../pattern.ts'

/**
 * Makes another pattern of one. The frames that come in are never written to; those that it leaves alone are handed on as they are.
 * Faults: `bad_request` with what would be right, `too_large` before any memory is taken.
 */
export type Operation = (pattern: Pattern, limits?: PatternLimits) => Result<Pattern, PatternFault>

interface Size {
  readonly width: number
  readonly height: number
}

export const badRequest = (message: string): Result<never, PatternFault> =>
  fail({ kind: 'bad_request', message })

/** Frames other than the pattern's, on a canvas of the same size. */
export const withFrames = (
  pattern: Pattern,
  frames: readonly Frame[],
  limits: PatternLimits = defaultLimits,
): Result<Pattern, PatternFault> => createPattern({ ...pattern, frames }, limits)

/** Every frame drawn anew on a canvas of `size`. Frames that share their pixels go on sharing them. */
export function redraw(
  pattern: Pattern,
  { width, height }: Size,
  limits: PatternLimits = defaultLimits,
  draw: (pixels: Uint8Array) => Uint8Array,
): Result<Pattern, PatternFault> {
  const over = overLimit({ width, height, frames: pattern.frames.length }, limits)
  if (over !== undefined)
    return fail({ kind: 'too_large', message: `the result would be too large: ${over}` })
  const drawn = new Map<Uint8Array, Uint8Array>()
  const frames = pattern.frames.map(({ delayMs, pixels }) => {
    const known = drawn.get(pixels)
    const fresh = known ?? draw(pixels)
    if (known === undefined) drawn.set(pixels, fresh)
    return { delayMs, pixels: fresh }
  })
  return createPattern({ ...pattern, width, height, frames }, limits)
}

/** Every frame with each value looked up in the table of its colour (256 entries each, red, green, blue). */
export function lookUp(
  pattern: Pattern,
  tables: readonly [Uint8Array, Uint8Array, Uint8Array],
  limits?: PatternLimits,
): Result<Pattern, PatternFault> {
  const [red, green, blue] = tables
  return redraw(pattern, pattern, limits, pixels => {
    const out = new Uint8Array(pixels.length)
    for (let at = 0; at + 2 < pixels.length; at += 3) {
      out[at] = red[pixels[at] ?? 0] ?? 0
      out[at + 1] = green[pixels[at + 1] ?? 0] ?? 0
      out[at + 2] = blue[pixels[at + 2] ?? 0] ?? 0
    }
    return out
  })
}

/** A table for `lookUp`: what becomes of each value, rounded and kept within 0 … 255. */
export const tableOf = (map: (value: number) => number): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, value) => Math.max(0, Math.min(255, Math.round(map(value)))))

/** A copy in which the pixel at each new place is the old one at `from(x, y)`, an index; undefined: `ground`. */
export function pick(
  pixels: Uint8Array,
  { width, height }: Size,
  from: (x: number, y: number) => number | undefined,
  ground: readonly [number, number, number] = [0, 0, 0],
): Uint8Array {
  const out = new Uint8Array(width * height * 3)
  let at = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const source = from(x, y)
      for (let c = 0; c < 3; c++) out[at++] = (source === undefined ? ground[c] : pixels[source * 3 + c]) ?? 0
    }
  }
  return out
}
