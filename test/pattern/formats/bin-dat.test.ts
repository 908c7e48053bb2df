import fc from 'fast-check'
import t from 'tap'
import { detectPattern } from '../../../src/pattern/detect.ts'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { detect, fault, u16le, value } from '../pattern-files.ts'
import { anyPattern, bytesOf, firstReading, patternOf } from './written-files.ts'

/** As Upload Bridge writes it; delays are cut to two bytes. */
const dat = ({ width, height, frames }: Pattern, bytesPerPixel = 3): Uint8Array =>
  Buffer.concat([
    Buffer.from([width, height, ...u16le(frames.length), bytesPerPixel, 0]),
    ...frames.flatMap(({ delayMs, pixels }) => [
      Buffer.from(u16le(Math.min(delayMs, 0xffff))),
      pixels.subarray(0, (width * height * bytesPerPixel) | 0),
    ]),
  ])

t.test('a .dat with a header has its size and times', async () => {
  fc.assert(
    fc.property(anyPattern, pattern => {
      const read = firstReading(dat(pattern))
      const { width, height } = pattern
      if (read.format !== 'dat' || read.width !== width || read.height !== height)
        throw new Error(`${read.format} ${read.width}×${read.height}`)
      const opened = value(read.open())
      if (Buffer.compare(bytesOf(opened), bytesOf(pattern)) !== 0) throw new Error('other pixels')
      if (
        opened.frames.some(
          ({ delayMs }, at) => delayMs !== Math.min(0xffff, pattern.frames[at]?.delayMs ?? 0),
        )
      )
        throw new Error('other times')
    }),
    { numRuns: 200 },
  )
})

t.test('one that was cut short, or has two bytes a pixel, is named', async t => {
  const pattern = patternOf(
    4,
    3,
    Array.from({ length: 8 }, () => ({ delayMs: 40, pixels: new Uint8Array(36).fill(9) })),
  )
  const bytes = dat(pattern)
  t.match(detect(bytes)[0], { format: 'dat', frames: 8 })
  for (let cut = 1; cut < 38 * 5; cut++)
    t.match(fault(detectPattern(bytes.subarray(0, -cut))), { kind: 'invalid', offset: bytes.length - cut })
  t.match(fault(detectPattern(dat(pattern, 2))), { kind: 'unsupported', message: /RGB565.*RGB888/ })
  bytes[4] = 4
  t.notMatch(detectPattern(bytes), { value: [{ format: 'dat' }] })
})
