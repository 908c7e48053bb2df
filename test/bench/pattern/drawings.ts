import type { Pattern } from '../../../src/pattern/pattern.ts'
import { type PatternKind, syntheticPattern } from '../../support/synthetic-patterns.ts'

/** A drawing of a kind as a pattern of 16 × 16 pixels, rows as drawn. */
export function drawing(kind: PatternKind, frames: number, seed: number): Pattern {
  const { width, height, leds, frames: drawn } = syntheticPattern(kind, { frames, seed })
  return { name: kind, width, height, leds, channels: 3, frames: drawn, loopCount: 0 }
}
