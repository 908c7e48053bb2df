import { createHash } from 'node:crypto'
import { seededRandom } from '../support/synthetic-patterns.ts'

/** The boards are matrices of 8×8. */
export const side = 8
const leds = side * side
const frameMs = 20
/** A file shares the frames beyond these with the one before it, so that a part is copied on the board. */
const newFrames = 40
const leastFrames = 50
const mostFrames = 110

/** A file to upload, and what a board shows that plays it. */
export interface KillPattern {
  readonly number: number
  readonly name: string
  readonly bytes: Uint8Array
  readonly sha256: string
  /** Pixels of each frame, hexadecimal. */
  readonly frames: readonly string[]
}

/** The same seed and number give the same file (Upload Bridge LEDM). */
export function killPattern(seed: number, number: number): KillPattern {
  const count = leastFrames + Math.floor(seededRandom(seed * 7919 + number)() * (mostFrames - leastFrames))
  const header = Buffer.alloc(14)
  header.write('LEDM', 'latin1')
  for (const [at, value] of [1, leds, count, side, side].entries()) header.writeUInt16LE(value, 4 + at * 2)
  const frames = Array.from({ length: count }, (_, index) => noise(seed, number * newFrames + index))
  const bytes = Buffer.concat([header, ...frames.flatMap(frame => [Uint8Array.of(frameMs, 0), frame])])
  return {
    number,
    name: `kill-${number}.bin`,
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    frames: frames.map(frame => frame.toString('hex')),
  }
}

function noise(seed: number, frame: number): Buffer {
  const random = seededRandom(seed * 1_000_003 + frame)
  return Buffer.from(Array.from({ length: leds * 3 }, () => Math.floor(random() * 256)))
}
