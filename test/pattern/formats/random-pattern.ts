import fc from 'fast-check'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { seeded } from '../pattern-files.ts'

export interface RandomPatternLimits {
  readonly maxSide: number
  readonly maxFrames: number
  readonly delays: fc.Arbitrary<number>
  /** Colours in use; more than 256 make a picture that no palette holds. */
  readonly colors: readonly number[]
}

/** Patterns whose frames differ in a part only, as drawings do, with some that do not differ at all. */
export function randomPattern({
  maxSide,
  maxFrames,
  delays,
  colors,
}: RandomPatternLimits): fc.Arbitrary<Pattern> {
  return fc
    .record({
      seed: fc.integer(),
      width: fc.integer({ min: 1, max: maxSide }),
      height: fc.integer({ min: 1, max: maxSide }),
      count: fc.constantFrom(...colors),
      loopCount: fc.constantFrom(0, 1, 2, 7, 65_535),
      delaysMs: fc.array(delays, { minLength: 1, maxLength: maxFrames }),
    })
    .map(({ seed, width, height, count, loopCount, delaysMs }) => {
      const random = seeded(seed)
      const whole = (below: number) => Math.floor(random() * below)
      const palette = Array.from({ length: count }, () => [whole(256), whole(256), whole(256)])
      let pixels = new Uint8Array(width * height * 3)
      const frames = delaysMs.map(delayMs => {
        pixels = Uint8Array.from(pixels)
        const [left, top] = [whole(width), whole(height)]
        const [right, bottom] = [left + whole(width - left + 1), top + whole(height - top + 1)]
        for (let y = top; y < bottom; y++)
          for (let x = left; x < right; x++) pixels.set(palette[whole(count)] ?? [], (y * width + x) * 3)
        return { delayMs, pixels }
      })
      return { name: 'pattern', width, height, leds: width * height, channels: 3, frames, loopCount }
    })
}

/** The first difference of two patterns in size, times, loops and pixels, or undefined. */
export function difference(a: Pattern, b: Pattern): string | undefined {
  if (a.width !== b.width || a.height !== b.height) return `${a.width}×${a.height} and ${b.width}×${b.height}`
  if (a.loopCount !== b.loopCount) return `loops ${a.loopCount} and ${b.loopCount}`
  if (a.frames.length !== b.frames.length) return `${a.frames.length} and ${b.frames.length} frames`
  for (const [index, frame] of a.frames.entries()) {
    const other = b.frames[index]
    if (frame.delayMs !== other?.delayMs) return `frame ${index}: ${frame.delayMs} and ${other?.delayMs} ms`
    if (!Buffer.from(frame.pixels).equals(Buffer.from(other.pixels))) return `frame ${index} has other pixels`
  }
  return undefined
}
