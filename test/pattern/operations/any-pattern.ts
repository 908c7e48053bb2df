import fc from 'fast-check'
import { createPattern, type Pattern } from '../../../src/pattern/pattern.ts'
import { value } from '../pattern-files.ts'

/** A pattern whose frames are views of one buffer, as those of a file are. */
export function patternOf(
  width: number,
  height: number,
  bytes: Uint8Array,
  delaysMs: readonly number[] = [40],
): Pattern {
  const frameBytes = width * height * 3
  const all = Uint8Array.from(
    { length: frameBytes * delaysMs.length },
    (_, at) => bytes[at % bytes.length] ?? 0,
  )
  const frames = delaysMs.map((delayMs, index) => ({
    delayMs,
    pixels: all.subarray(index * frameBytes, (index + 1) * frameBytes),
  }))
  return value(createPattern({ name: 'any', width, height, loopCount: 3, frames }))
}

/** Small patterns of any size, colours and times. */
export const anyPattern: fc.Arbitrary<Pattern> = fc
  .record({
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 9 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 500 }),
    delaysMs: fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 6 }),
  })
  .map(({ width, height, bytes, delaysMs }) => patternOf(width, height, bytes, delaysMs))

/** Everything of a pattern that can be seen, as one text. */
export const told = ({ width, height, loopCount, frames }: Pattern): string =>
  JSON.stringify([
    width,
    height,
    loopCount,
    frames.map(({ delayMs, pixels }) => [delayMs, Buffer.from(pixels).toString('hex')]),
  ])

/** The bytes of all frames. */
export const pixelsOf = ({ frames }: Pattern): number[] => frames.flatMap(({ pixels }) => [...pixels])
