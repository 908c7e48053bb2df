import fc from 'fast-check'
import t from 'tap'
import { ditherMethods } from '../../../src/pattern/operations/dither.ts'
import { medianCut } from '../../../src/pattern/operations/median-cut.ts'
import { reduceColors, reduceLevels } from '../../../src/pattern/operations/reduce-colors.ts'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { fault, seeded, value } from '../pattern-files.ts'
import { anyPattern, patternOf, pixelsOf, told } from './any-pattern.ts'

const colorsOf = (pattern: Pattern) =>
  new Set(pattern.frames.flatMap(({ pixels }) => Buffer.from(pixels).toString('hex').match(/.{6}/g) ?? []))
const ramp = (side: number) =>
  patternOf(
    side,
    side,
    Uint8Array.from({ length: side * side * 3 }, (_, at) =>
      Math.floor(((Math.floor(at / 3) % side) * 255) / (side - 1)),
    ),
  )

t.test('no more colours are left than asked for, and few enough stay exact', async t => {
  const count = fc.integer({ min: 1, max: 256 })
  fc.assert(
    fc.property(anyPattern, count, fc.constantFrom(...ditherMethods), (pattern, colors, method) => {
      const before = told(pattern)
      const reduced = value(reduceColors(colors, method)(pattern))
      const kept = colorsOf(pattern).size > colors || told(reduced) === before
      return kept && colorsOf(reduced).size <= colors && told(pattern) === before
    }),
  )
  t.match(fault(reduceColors(0)(ramp(2))), { message: /1 to 256 colours/ })
  t.match(fault(reduceColors(257)(ramp(2))), { message: /1 to 256 colours/ })
})

t.test('a palette is made for all frames, and nearer with more colours', async t => {
  const random = seeded(7)
  const noise = patternOf(
    64,
    64,
    Uint8Array.from({ length: 64 * 64 * 3 * 2 }, () => random() * 256),
    [10, 10],
  )
  let last = Number.POSITIVE_INFINITY
  for (const colors of [2, 8, 32, 128, 256]) {
    const reduced = pixelsOf(value(reduceColors(colors)(noise)))
    const error = pixelsOf(noise).reduce((sum, v, at) => sum + (v - (reduced[at] ?? 0)) ** 2, 0)
    t.ok(error < last, `${colors} colours: ${error}`)
    last = error
  }
  t.ok(Math.sqrt(last / pixelsOf(noise).length) < 28, 'noise in 256 colours')
})

t.test('more colours than are counted one by one are cut as well', async t => {
  const side = 300
  const many = patternOf(
    side,
    side,
    Uint8Array.from({ length: side * side * 3 }, (_, at) => {
      const pixel = Math.floor(at / 3)
      return [pixel & 0xff, (pixel >> 8) & 0xff, (pixel >> 16) * 200][at % 3] ?? 0
    }),
  )
  t.ok(colorsOf(many).size > 65_536)
  const palette = medianCut(many.frames, 16)
  t.equal(palette.length, 48)
  t.equal(new Set(Buffer.from(palette).toString('hex').match(/.{6}/g)).size, 16)
})

t.test('a palette of two clear groups is their two means', async t => {
  const two = patternOf(4, 1, Uint8Array.from([0, 0, 0, 10, 0, 0, 250, 0, 0, 254, 0, 0]))
  t.same([...medianCut(two.frames, 2)], [5, 0, 0, 252, 0, 0])
})

t.test('levels are even, and a second time nothing changes', async t => {
  const any = fc.record({
    pattern: anyPattern,
    levels: fc.integer({ min: 2, max: 256 }),
    method: fc.constantFrom(...ditherMethods),
  })
  fc.assert(
    fc.property(any, ({ pattern, levels, method }) => {
      const once = value(reduceLevels(levels, method)(pattern))
      const allowed = new Set(
        Array.from({ length: levels }, (_, at) => Math.round((at * 255) / (levels - 1))),
      )
      const even = pixelsOf(once).every(v => allowed.has(v))
      return even && told(value(reduceLevels(levels, method)(once))) === told(once)
    }),
  )
  t.same(pixelsOf(value(reduceLevels(2)(patternOf(1, 1, Uint8Array.from([0, 127, 128]))))), [0, 0, 255])
  t.match(fault(reduceLevels(1)(ramp(2))), { message: /2 to 256 levels/ })
})

t.test('dithering keeps the brightness that rounding loses', async t => {
  const flat = patternOf(32, 32, Uint8Array.from([90]))
  const mean = (pattern: Pattern) => pixelsOf(pattern).reduce((sum, v) => sum + v, 0) / (32 * 32 * 3)
  t.equal(mean(value(reduceLevels(2)(flat))), 0)
  for (const method of ['ordered', 'floyd-steinberg'] as const)
    t.ok(Math.abs(mean(value(reduceLevels(2, method)(flat))) - 90) < 4, method)
  const shaded = ramp(32)
  const white = pixelsOf(value(reduceLevels(2, 'ordered')(shaded)))
  t.ok(white.filter(v => v === 255).length > 32 * 32 * 3 * 0.4)
})

t.test('the ordered pattern is Bayer’s: each of 64 thresholds once in 8 × 8 pixels', async t => {
  for (const level of [0, 1, 16, 33, 63]) {
    const shade = Math.round((level / 64) * 255)
    const made = value(reduceLevels(2, 'ordered')(patternOf(8, 8, Uint8Array.from([shade]))))
    t.equal(pixelsOf(made).filter(v => v === 255).length / 3, level, `${level} of 64`)
  }
})
