import fc from 'fast-check'
import type { Candidate } from '../../../src/pattern/candidate.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import type { Exporter, ExportOptions } from '../../../src/pattern/export/exporter.ts'
import { createPattern, type Frame, type Pattern } from '../../../src/pattern/pattern.ts'
import { fault, seeded, value } from '../pattern-files.ts'

/** Patterns of any size and colours; a third of them dark, a third of few colours, as drawings are. */
export const anyPattern: fc.Arbitrary<Pattern> = fc
  .record({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 12 }),
    frames: fc.integer({ min: 1, max: 12 }),
    seed: fc.integer(),
    kind: fc.constantFrom('noise', 'few', 'dark'),
    delays: fc.constantFrom('same', 'mixed', 'long'),
  })
  .map(({ width, height, frames, seed, kind, delays }) => {
    const random = seeded(seed)
    const byte = () => {
      if (kind === 'dark') return random() < 0.97 ? 0 : Math.floor(random() * 4)
      return kind === 'few' ? Math.floor(random() * 3) * 127 : Math.floor(random() * 256)
    }
    return patternOf(
      width,
      height,
      Array.from({ length: frames }, () => ({
        delayMs: delays === 'same' ? 40 : 1 + Math.floor(random() * (delays === 'long' ? 200_000 : 2000)),
        pixels: new Uint8Array(width * height * 3).map(byte),
      })),
    )
  })

export const patternOf = (width: number, height: number, frames: readonly Frame[]): Pattern =>
  value(createPattern({ name: 'drawn', width, height, frames, loopCount: 0 }))

export const written = (exporter: Exporter, pattern: Pattern, options: ExportOptions = {}): Uint8Array =>
  value(exporter.write(pattern, options)).bytes

export const bytesOf = (pattern: Pattern): Buffer => Buffer.concat(pattern.frames.map(({ pixels }) => pixels))

/** The first reading of the bytes, without a name to help. */
export function firstReading(bytes: Uint8Array): Candidate {
  const [first] = value(detectPattern(bytes))
  if (first === undefined) throw new Error('no candidate')
  return first
}

/** What is wrong with the fault of a damaged file: it must be this kind of place, in the file, and say what to do. */
export function faultOf(bytes: Uint8Array, fileName: string, place: 'offset' | 'line'): string | undefined {
  const read = detectPattern(bytes, { fileName })
  if (read.ok) return `read as ${read.value[0]?.format} of ${read.value[0]?.leds} LEDs`
  const found = fault(read)
  if (found.kind !== 'invalid') return `${found.kind}: ${found.message}`
  const at = found[place]
  const most = place === 'offset' ? bytes.length : Buffer.from(bytes).toString('latin1').split('\n').length
  if (at === undefined || at < (place === 'offset' ? 0 : 1) || at > most)
    return `${place} ${at}: ${found.message}`
  return undefined
}
