import { fail, ok, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import type { Pattern } from '../pattern.ts'
import { LedLook, type Look } from './led-look.ts'

export interface LookPatternOptions {
  readonly look: Look
  /** Side of an LED's square, in pixels; what fits well when absent. */
  readonly cell?: number | undefined
}

/** Longest side that is chosen by itself, of a matrix and of a strip. */
const usualSide = 480
const usualStrip = 1600
const mostCell = 24
/** All drawn frames together, chosen by itself, and at most. */
const usualBytes = 32 * 1024 * 1024
const mostBytes = 192 * 1024 * 1024
const mostSide = 8192

/** The pattern as its LEDs look, for pictures that people see. Faults: `too_large`, with the cell that would do. */
export function lookPattern(pattern: Pattern, options: LookPatternOptions): Result<Pattern, PatternFault> {
  const cell = options.cell ?? usualCell(pattern)
  const { width, height, frames } = pattern
  const bytes = width * height * cell * cell * 3 * frames.length
  if (bytes > mostBytes || Math.max(width, height) * cell > mostSide) {
    const message = `${frames.length} frames of ${width}×${height} LEDs at ${cell} pixels each make a picture that is too large; a cell of ${usualCell(pattern)} would do, or choose fewer frames with --frames`
    return fail({ kind: 'too_large', message })
  }
  const look = new LedLook(pattern, { look: options.look, cell })
  return ok({
    ...pattern,
    width: look.width,
    height: look.height,
    leds: look.width * look.height,
    frames: frames.map(({ delayMs, pixels }) => ({ delayMs, pixels: look.draw(pixels) })),
  })
}

/** The largest cell that keeps the picture handy, 1 at least. */
function usualCell({ width, height, frames }: Pattern): number {
  const side = height === 1 ? usualStrip : usualSide
  const fitting = Math.min(
    mostCell,
    side / Math.max(width, height),
    Math.sqrt(usualBytes / (width * height * 3 * frames.length)),
  )
  return Math.max(1, Math.floor(fitting))
}
