import { fail, ok, type Result } from '../kernel/result.ts'
import type { PatternFault } from './fault.ts'
import { defaultLimits, overLimit, type PatternLimits } from './limits.ts'

export interface Frame {
  /** How long the frame is shown, 1 … 2³²−1. */
  readonly delayMs: number
  /** RGB, 3 bytes a pixel, rows from the top, pixels from the left. May be a view into the file it came from: never write to it. */
  readonly pixels: Uint8Array
}

/** An animation as drawn: canvas order and RGB, independent of any board. A strip without known rows has height 1. */
export interface Pattern {
  readonly name: string
  readonly width: number
  readonly height: number
  /** width × height. */
  readonly leds: number
  readonly channels: 3
  readonly frames: readonly Frame[]
  /** 0 = for ever. */
  readonly loopCount: number
}

const isCount = (value: number, max: number) => Number.isInteger(value) && value >= 1 && value <= max

/** A pattern whose every number holds; faults `invalid` and `too_large`. The frames are kept, not copied. */
export function createPattern(
  parts: Omit<Pattern, 'leds' | 'channels'>,
  limits: PatternLimits = defaultLimits,
): Result<Pattern, PatternFault> {
  const { name, width, height, frames, loopCount } = parts
  const invalid = (message: string) => fail<PatternFault>({ kind: 'invalid', message })
  if (!isCount(width, 0xffffffff) || !isCount(height, 0xffffffff))
    return invalid(`a pattern needs a width and a height of at least 1, not ${width}×${height}`)
  if (frames.length === 0) return invalid('a pattern needs at least one frame')
  const over = overLimit({ width, height, frames: frames.length }, limits)
  if (over !== undefined) return fail({ kind: 'too_large', message: `the pattern is too large: ${over}` })
  if (!Number.isInteger(loopCount) || loopCount < 0 || loopCount > 0xffff)
    return invalid(`the loop count is 0 (for ever) to 65,535, not ${loopCount}`)
  const leds = width * height
  for (const [index, frame] of frames.entries()) {
    if (frame.pixels.length !== leds * 3)
      return invalid(`frame ${index} has ${frame.pixels.length} bytes; ${leds} LEDs need ${leds * 3}`)
    if (!isCount(frame.delayMs, 0xffffffff))
      return invalid(`frame ${index} has a delay of ${frame.delayMs} ms; at least 1 ms is needed`)
  }
  return ok({ name, width, height, leds, channels: 3, frames, loopCount })
}

/** Milliseconds of one pass through all frames. */
export const durationMs = (frames: readonly Frame[]): number =>
  frames.reduce((total, frame) => total + frame.delayMs, 0)

/** A pattern's name from its file: no folder, no extension, no control characters. */
export function patternName(fileName: string | undefined): string {
  const base = (fileName ?? '').replace(/^.*[/\\]/s, '').replace(/(.)\.[^.]*$/s, '$1')
  return base.replace(/\p{Cc}+/gu, ' ').trim() || 'pattern'
}
