import fc from 'fast-check'
import t from 'tap'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import { crop } from '../../../src/pattern/operations/crop.ts'
import { flip } from '../../../src/pattern/operations/flip.ts'
import type { Operation } from '../../../src/pattern/operations/operation.ts'
import { pad } from '../../../src/pattern/operations/pad.ts'
import { resize, scaleModes } from '../../../src/pattern/operations/resize.ts'
import { quarters, rotate } from '../../../src/pattern/operations/rotate.ts'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { fault, value } from '../pattern-files.ts'
import { anyPattern, patternOf, pixelsOf, told } from './any-pattern.ts'

const chain = (pattern: Pattern, ...operations: readonly Operation[]): Pattern =>
  operations.reduce((made, operation) => value(operation(made)), pattern)

/** Pixels of one value each, so that a picture can be written down as a list. */
const grey = (width: number, values: readonly number[]): Pattern =>
  patternOf(width, values.length / width, Uint8Array.from(values.flatMap(v => [v, v, v])))
const values = (pattern: Pattern): number[] => pixelsOf(pattern).filter((_, at) => at % 3 === 0)

t.test('quarter turns go clockwise, flips exchange the sides they name', async t => {
  const drawn = grey(3, [1, 2, 3, 4, 5, 6])
  t.same(values(value(rotate(90)(drawn))), [4, 1, 5, 2, 6, 3])
  t.same(values(value(rotate(180)(drawn))), [6, 5, 4, 3, 2, 1])
  t.same(values(value(rotate(270)(drawn))), [3, 6, 2, 5, 1, 4])
  t.match(value(rotate(90)(drawn)), { width: 2, height: 3, leds: 6 })
  t.same(values(value(flip('x')(drawn))), [3, 2, 1, 6, 5, 4])
  t.same(values(value(flip('y')(drawn))), [4, 5, 6, 1, 2, 3])
})

t.test('turns and flips of any pattern undo one another', async () => {
  fc.assert(
    fc.property(anyPattern, pattern => {
      const same = (...operations: readonly Operation[]) =>
        told(chain(pattern, ...operations)) === told(pattern)
      const half = told(chain(pattern, flip('x'), flip('y'))) === told(chain(pattern, rotate(180)))
      return (
        half &&
        same(flip('x'), flip('x')) &&
        same(flip('y'), flip('y')) &&
        same(rotate(90), rotate(270)) &&
        same(rotate(90), rotate(90), rotate(90), rotate(90))
      )
    }),
  )
})

t.test('what is put round a pattern can be cut off again', async t => {
  const margin = fc.integer({ min: 0, max: 5 })
  fc.assert(
    fc.property(anyPattern, margin, margin, margin, margin, (pattern, top, right, bottom, left) => {
      const padded = value(pad({ top, right, bottom, left, color: [9, 8, 7] })(pattern))
      const { width, height } = pattern
      const area = { x: left, y: top, width, height }
      return (
        padded.leds === (width + left + right) * (height + top + bottom) &&
        told(chain(padded, crop(area))) === told(pattern)
      )
    }),
  )
  const framed = value(pad({ top: 1, right: 0, bottom: 0, left: 1, color: [7, 7, 7] })(grey(2, [1, 2])))
  t.same(values(framed), [7, 7, 7, 7, 1, 2])
})

t.test('an area that is not within the canvas is refused with the canvas’s size', async t => {
  const drawn = grey(3, [1, 2, 3, 4, 5, 6])
  t.same(values(value(crop({ x: 1, y: 1, width: 2, height: 1 })(drawn))), [5, 6])
  for (const area of [
    { x: 2, y: 0, width: 2, height: 1 },
    { x: 0, y: 1, width: 1, height: 2 },
    { x: -1, y: 0, width: 1, height: 1 },
    { x: 0, y: 0, width: 0, height: 1 },
    { x: 0.5, y: 0, width: 1, height: 1 },
  ])
    t.match(fault(crop(area)(drawn)), { kind: 'bad_request', message: /canvas of 3×2/ })
  t.match(fault(pad({ top: -1, right: 0, bottom: 0, left: 0 })(drawn)), { kind: 'bad_request' })
})

t.test('a canvas is scaled by means of areas or by nearest pixels', async t => {
  const drawn = grey(4, [0, 10, 20, 30, 40, 50, 60, 70])
  t.same(values(value(resize({ width: 2, height: 1 })(drawn))), [25, 45])
  t.same(values(value(resize({ width: 2, height: 1 }, 'nearest')(drawn))), [50, 70])
  t.same(values(value(resize({ width: 4, height: 1 })(grey(2, [1, 2])))), [1, 1, 2, 2])
  t.same(values(value(resize({ width: 4, height: 1 }, 'nearest')(grey(2, [1, 2])))), [1, 1, 2, 2])
  t.match(fault(resize({ width: 0, height: 1 })(drawn)), { kind: 'bad_request' })
  const side = fc.integer({ min: 1, max: 20 })
  fc.assert(
    fc.property(anyPattern, side, side, (pattern, width, height) => {
      const near = value(resize({ width, height }, 'nearest')(pattern))
      const colors = (of: Pattern) =>
        new Set(of.frames.flatMap(({ pixels }) => Buffer.from(pixels).toString('hex').match(/.{6}/g) ?? []))
      const known = colors(pattern)
      const within = value(resize({ width, height })(pattern)).frames.every(({ pixels }, index) => {
        const from = pattern.frames[index]?.pixels ?? []
        return Math.max(...pixels) <= Math.max(...from) && Math.min(...pixels) >= Math.min(...from)
      })
      return within && near.leds === width * height && [...colors(near)].every(color => known.has(color))
    }),
  )
  fc.assert(
    fc.property(
      anyPattern,
      fc.constantFrom(...scaleModes),
      fc.integer({ min: 1, max: 4 }),
      (pattern, mode, factor) => {
        const { width, height } = pattern
        const there = resize({ width: width * factor, height: height * factor }, mode)
        return told(chain(pattern, there, resize({ width, height }, mode))) === told(pattern)
      },
    ),
  )
})

t.test('no operation touches the frames it is given, and shared frames stay shared', async t => {
  const drawn = patternOf(4, 3, Uint8Array.from([1, 2, 3, 4, 5]), [10, 20])
  const shared = { ...drawn, frames: [...drawn.frames, ...drawn.frames] }
  const before = told(shared)
  const operations: readonly Operation[] = [
    crop({ x: 1, y: 1, width: 2, height: 2 }),
    pad({ top: 1, right: 1, bottom: 1, left: 1 }),
    flip('x'),
    flip('y'),
    ...quarters.map(rotate),
    ...scaleModes.map(mode => resize({ width: 2, height: 2 }, mode)),
  ]
  for (const operation of operations) {
    const { frames } = value(operation(shared))
    t.equal(told(shared), before)
    t.equal(frames[0]?.pixels, frames[2]?.pixels)
    t.not(frames[0]?.pixels.buffer, drawn.frames[0]?.pixels.buffer)
  }
})

t.test('a result that would be too large is refused before memory is taken', async t => {
  const drawn = grey(1, [1])
  const huge = { top: 0, right: 3_000_000_000, bottom: 0, left: 0 }
  t.match(fault(pad(huge)(drawn)), { kind: 'too_large', message: /LEDs/ })
  t.match(fault(resize({ width: 5000, height: 5000 })(drawn)), { kind: 'too_large', message: /side/ })
  const small = { ...defaultLimits, maxBytes: 100 }
  t.match(fault(resize({ width: 6, height: 6 })(drawn, small)), { kind: 'too_large', message: /108 bytes/ })
})
