import fc from 'fast-check'
import t from 'tap'
import { append } from '../../../src/pattern/operations/append.ts'
import { repeat } from '../../../src/pattern/operations/repeat.ts'
import { changeSpeed, setDelay, setFrameRate } from '../../../src/pattern/operations/retime.ts'
import { reverse } from '../../../src/pattern/operations/reverse.ts'
import { trim } from '../../../src/pattern/operations/trim.ts'
import { durationMs } from '../../../src/pattern/pattern.ts'
import { fault, value } from '../pattern-files.ts'
import { anyPattern, patternOf, told } from './any-pattern.ts'

const black = Uint8Array.from([0])
const delays = (of: { frames: readonly { delayMs: number }[] }) => of.frames.map(({ delayMs }) => delayMs)

t.test('a pattern cut in two and put together is the same', async () => {
  fc.assert(
    fc.property(anyPattern, fc.nat(), (pattern, at) => {
      const cut = at % pattern.frames.length
      const first = value(trim({ first: 0, count: cut + 1 })(pattern))
      if (cut === pattern.frames.length - 1) return told(first) === told(pattern)
      const second = value(trim({ first: cut + 1, count: pattern.frames.length - cut - 1 })(pattern))
      return told(value(append(second)(first))) === told(pattern)
    }),
  )
})

t.test('frames are reversed and repeated with their times', async t => {
  const three = patternOf(2, 1, Uint8Array.from([1, 2, 3, 4]), [10, 20, 30])
  t.same(delays(value(reverse(three))), [30, 20, 10])
  t.same(delays(value(repeat(2)(three))), [10, 20, 30, 10, 20, 30])
  t.equal(value(repeat(2)(three)).loopCount, 3)
  t.equal(value(repeat(2)(three)).frames[3]?.pixels, three.frames[0]?.pixels, 'no pixels are copied')
  fc.assert(
    fc.property(anyPattern, pattern => told(value(reverse(value(reverse(pattern))))) === told(pattern)),
  )
  t.match(fault(repeat(0)(three)), { kind: 'bad_request' })
  t.match(fault(repeat(1e9)(three)), { kind: 'too_large', message: /3,000,000,000 frames/ })
})

t.test('frames that are not there and canvases that differ are refused in words', async t => {
  const three = patternOf(2, 1, black, [10, 20, 30])
  for (const range of [
    { first: 0, count: 4 },
    { first: 2, count: 0 },
    { first: -1, count: 1 },
    { first: 3, count: 1 },
    { first: 0.5, count: 1 },
  ])
    t.match(fault(trim(range)(three)), { kind: 'bad_request', message: /has 3, counted from 1 to 3/ })
  t.match(fault(append(patternOf(1, 2, black))(three)), {
    kind: 'bad_request',
    message: /is 1×2.*2×1; scale/,
  })
})

t.test('times are set, and what is rounded off is not lost', async t => {
  const three = patternOf(1, 1, black, [10, 20, 30])
  t.same(delays(value(setDelay(7)(three))), [7, 7, 7])
  t.same(delays(value(setFrameRate(30)(three))), [33, 34, 33])
  t.same(delays(value(setFrameRate(1000)(three))), [1, 1, 1])
  t.same(delays(value(changeSpeed(4)(three))), [3, 5, 7])
  t.same(delays(value(changeSpeed(0.5)(three))), [20, 40, 60])
  t.same(delays(value(changeSpeed(1e6)(three))), [1, 1, 1], 'never nothing')
  for (const [operation, message] of [
    [setDelay(0), /1 to/],
    [setDelay(1.5), /whole number/],
    [setFrameRate(0), /0\.001 to 1000/],
    [setFrameRate(1001), /0\.001 to 1000/],
    [setFrameRate(Number.NaN), /frame rate/],
    [changeSpeed(0), /above 0/],
    [changeSpeed(Number.POSITIVE_INFINITY), /factor/],
  ] as const)
    t.match(fault(operation(three)), { kind: 'bad_request', message })
  t.match(fault(changeSpeed(1e-9)(three)), { kind: 'invalid', message: /delay/ })
})

t.test('at another speed the whole has the length that it should, to the millisecond', async () => {
  const speed = fc.double({ min: 0.01, max: 1, noNaN: true })
  fc.assert(
    fc.property(anyPattern, speed, (pattern, factor) => {
      const made = value(changeSpeed(factor)(pattern))
      return durationMs(made.frames) === Math.round(durationMs(pattern.frames) / factor)
    }),
  )
  fc.assert(
    fc.property(anyPattern, fc.integer({ min: 1, max: 1000 }), (pattern, fps) => {
      const made = value(setFrameRate(fps)(pattern))
      return Math.abs(durationMs(made.frames) - (pattern.frames.length * 1000) / fps) <= 0.5 + 1e-9
    }),
  )
})
