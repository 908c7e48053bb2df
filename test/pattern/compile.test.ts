import fc from 'fast-check'
import t from 'tap'
import { type BoardTarget, compile } from '../../src/pattern/compile.ts'
import { parseLayout } from '../../src/pattern/layout/parse-layout.ts'
import { createPattern, type Pattern } from '../../src/pattern/pattern.ts'
import { dim, fittingBrightness, frameMa, peakOf } from '../../src/pattern/power.ts'
import {
  fromSourceWiring,
  parseWiring,
  toCanvasOrder,
  toStripOrder,
  wiringMap,
  wirings,
} from '../../src/pattern/wiring.ts'
import { fault, openBest, sharedSample, value, withoutSamples } from './pattern-files.ts'

const pattern = (width: number, height: number, pixels: readonly number[], name = 'test'): Pattern =>
  value(
    createPattern({
      name,
      width,
      height,
      loopCount: 2,
      frames: [{ delayMs: 40, pixels: Uint8Array.from(pixels) }],
    }),
  )
const count = (leds: number) => Array.from({ length: leds * 3 }, (_, at) => at + 1)
const strip = (leds: number): BoardTarget => ({
  leds,
  width: 0,
  height: 0,
  wiring: 'row-straight-tl',
  colorOrder: 'RGB',
})
const matrix = (width: number, height: number): BoardTarget => ({ ...strip(width * height), width, height })

t.test('each wiring runs as its name says', async t => {
  const cases = {
    'row-straight-tl': [0, 1, 2, 3, 4, 5],
    'row-straight-tr': [2, 1, 0, 5, 4, 3],
    'row-straight-bl': [3, 4, 5, 0, 1, 2],
    'row-straight-br': [5, 4, 3, 2, 1, 0],
    'row-serpentine-tl': [0, 1, 2, 5, 4, 3],
    'row-serpentine-tr': [2, 1, 0, 3, 4, 5],
    'row-serpentine-bl': [3, 4, 5, 2, 1, 0],
    'row-serpentine-br': [5, 4, 3, 0, 1, 2],
    'column-straight-tl': [0, 3, 1, 4, 2, 5],
    'column-straight-tr': [2, 5, 1, 4, 0, 3],
    'column-straight-bl': [3, 0, 4, 1, 5, 2],
    'column-straight-br': [5, 2, 4, 1, 3, 0],
    'column-serpentine-tl': [0, 3, 4, 1, 2, 5],
    'column-serpentine-tr': [2, 5, 4, 1, 0, 3],
    'column-serpentine-bl': [3, 0, 1, 4, 5, 2],
    'column-serpentine-br': [5, 2, 1, 4, 3, 0],
  } as const
  t.same([...wirings].toSorted(), Object.keys(cases).toSorted())
  for (const wiring of wirings) {
    t.same([...wiringMap(3, 2, wiring)], cases[wiring], wiring)
    t.equal(value(parseWiring(` ${wiring.toUpperCase()} `)), wiring)
  }
  t.match(fault(parseWiring('row-tl')), { kind: 'bad_request', message: /column-serpentine-tl/ })
})

t.test('strip order and canvas order are each other’s reverse for every size and wiring', async () => {
  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 20 }),
    height: fc.integer({ min: 1, max: 20 }),
    wiring: fc.constantFrom(...wirings),
  })
  fc.assert(
    fc.property(sizes, ({ width, height, wiring }) => {
      const map = wiringMap(width, height, wiring)
      const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => at & 0xff)
      const back = toCanvasOrder(toStripOrder(pixels, map), map)
      return new Set(map).size === width * height && Buffer.compare(back, pixels) === 0
    }),
  )
})

t.test('a compiled drawing is its own export', { skip: withoutSamples }, async t => {
  for (const [file, raw, width, height, wiring] of [
    ['15x6-369.leds', '15x6-369.export.bin', 15, 6, 'column-serpentine-tl'],
    ['12x6-134.leds', '12x6-134.export.dat', 12, 6, 'column-serpentine-bl'],
  ] as const) {
    const compiled = value(
      compile(openBest(sharedSample(`leds/${file}`)), { ...matrix(width, height), wiring }),
    )
    const bytes = Buffer.concat(compiled.frames.map(frame => frame.pixels))
    t.equal(Buffer.compare(bytes, sharedSample(`leds/${raw}`)), 0, file)
  }
})

t.test('compiling lays out, orders colours and keeps times, name and loops', async t => {
  const drawn = pattern(2, 2, count(4), 'Ä lantern that swings before the night sky')
  const compiled = value(compile(drawn, { ...matrix(2, 2), wiring: 'row-serpentine-tl', colorOrder: 'GRB' }))
  t.match(compiled, {
    leds: 4,
    width: 2,
    height: 2,
    channels: 3,
    colorOrder: 2,
    loopCount: 2,
    frames: [{ delayMs: 40 }],
  })
  t.same([...(compiled.frames[0]?.pixels ?? [])], [2, 1, 3, 5, 4, 6, 11, 10, 12, 8, 7, 9])
  t.equal(compiled.name, 'Ä lantern that swings before th')
  t.equal(Buffer.byteLength(compiled.name), 32)
  t.same([...(drawn.frames[0]?.pixels ?? [])], count(4), 'the pattern itself is untouched')
  t.equal(value(compile(drawn, matrix(2, 2), { loopCount: 0 })).loopCount, 0)
  t.equal(
    value(compile(pattern(1, 1, [1, 2, 3], `${'x'.repeat(31)}ä`), strip(1))).name,
    'x'.repeat(31),
    'never half a character',
  )
})

t.test('a strip goes onto any board that is long enough, the rest is black', async t => {
  const compiled = value(compile(pattern(2, 1, count(2)), matrix(2, 2)))
  t.match(compiled, { leds: 4, width: 2, height: 2 })
  t.same([...(compiled.frames[0]?.pixels ?? [])], [...count(2), 0, 0, 0, 0, 0, 0])
  t.match(value(compile(pattern(2, 1, count(2)), strip(2))), { leds: 2, width: 0, height: 0 })
})

t.test('a board with white LEDs gets four values a LED, and white counts in its current', async t => {
  const drawn = pattern(2, 1, [255, 255, 255, 200, 100, 50])
  const board = { ...strip(3), colorOrder: 'GRBW' } as const
  const compiled = value(compile(drawn, board))
  t.match(compiled, {
    channels: 4,
    colorOrder: 10,
    peakMa: Math.ceil(3 + ((255 + 50 + 150 + 50) * 20) / 255),
  })
  t.same([...(compiled.frames[0]?.pixels ?? [])], [0, 0, 0, 255, 50, 150, 0, 50, 0, 0, 0, 0])
  const brighter = value(compile(drawn, board, { white: 'brighter' }))
  t.same([...(brighter.frames[0]?.pixels ?? [])].slice(0, 8), [255, 255, 255, 255, 100, 200, 50, 50])
  t.equal(brighter.peakMa, Math.ceil(3 + ((1020 + 400) * 20) / 255))
})

t.test('what does not fit is refused with what to do', async t => {
  for (const [drawn, board, message] of [
    [pattern(5, 1, count(5)), strip(4), /has 5 LEDs, the board 4/],
    [pattern(2, 2, count(4)), strip(4), /set the board's width, height and wiring/],
    [pattern(2, 2, count(4)), matrix(3, 2), /pattern is 2×2, the board 3×2; draw it at the size/],
    [pattern(2, 3, count(6)), matrix(3, 2), /turned by a quarter/],
    [pattern(2, 2, count(4)), { ...matrix(2, 2), leds: 3 }, /only 3 LEDs/],
  ] as const)
    t.match(fault(compile(drawn, board)), { kind: 'does_not_fit', message })
  t.match(fault(compile(pattern(1, 1, count(1)), strip(1), { brightness: 256 })), { kind: 'bad_request' })
  t.match(fault(fromSourceWiring(pattern(4, 1, count(4)), 'row-straight-tl', { width: 3, height: 2 })), {
    kind: 'bad_request',
    message: /3×2 are 6/,
  })
  t.match(value(fromSourceWiring(pattern(2, 2, count(4)), 'row-serpentine-tl')), { width: 2, height: 2 })
})

t.test('a layout says where the LEDs sit, and cells without one are left out', async t => {
  const drawn = pattern(3, 2, count(6))
  const ring = value(
    parseLayout({
      kind: 'cells',
      width: 3,
      height: 2,
      cells: [
        [2, 1],
        [0, 0],
        [1, 0],
      ],
    }),
  )
  const board = { ...strip(4), layout: ring }
  const compiled = value(compile(drawn, board))
  t.match(compiled, { leds: 4, width: 0, height: 0 }, 'a canvas with gaps is no matrix to the board')
  t.same([...(compiled.frames[0]?.pixels ?? [])], [16, 17, 18, 1, 2, 3, 4, 5, 6, 0, 0, 0])
  const whole = value(parseLayout({ kind: 'panels', columns: 2, rows: 1, panelWidth: 1, panelHeight: 2 }))
  const wall = value(compile(pattern(2, 2, count(4)), { ...strip(4), layout: whole }))
  t.match(wall, { width: 2, height: 2 })
  t.same([...(wall.frames[0]?.pixels ?? [])], [1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12])
  t.same(
    [...(value(compile(pattern(2, 1, count(2)), board)).frames[0]?.pixels ?? [])],
    [...count(2), 0, 0, 0, 0, 0, 0],
    'a strip goes on as it is',
  )
  const row = value(
    parseLayout({
      kind: 'cells',
      width: 5,
      height: 1,
      cells: [
        [4, 0],
        [0, 0],
      ],
    }),
  )
  t.same(
    [...(value(compile(pattern(5, 1, count(5)), { ...strip(2), layout: row })).frames[0]?.pixels ?? [])],
    [13, 14, 15, 1, 2, 3],
  )
  for (const [made, target, message] of [
    [pattern(2, 2, count(4)), board, /pattern is 2×2, the board 3×2/],
    [pattern(2, 3, count(6)), board, /turned by a quarter/],
    [drawn, { ...strip(2), layout: ring }, /layout places 3 LEDs, but the board has only 2/],
    [pattern(5, 1, count(5)), board, /has 5 LEDs, the board 4/],
  ] as const)
    t.match(fault(compile(made, target)), { kind: 'does_not_fit', message })
})

t.test('current is estimated from the sum of the values: 60 mA a white pixel, 1 mA a dark one', async t => {
  const model = { leds: 10, maPerChannel: 20 }
  t.equal(frameMa(new Uint8Array(30), model), 10)
  t.equal(frameMa(new Uint8Array(30).fill(255), model), 610)
  const frames = [0, 200, 100].map(level => ({ pixels: new Uint8Array(30).fill(level) }))
  t.same(peakOf(frames, model), { peakMa: 481, frame: 1 })
  t.equal(fittingBrightness(610, 5, model), null)
  t.equal(fittingBrightness(610, 11, model), null, 'not even the lowest level')
  t.equal(fittingBrightness(10, 10, model), 254)
})

t.test('above the cap a pattern is refused with the brightness that fits, or scaled to it', async t => {
  const white = pattern(10, 1, Array<number>(30).fill(255))
  const board = { ...strip(10), powerCapMa: 310 }
  t.equal(value(compile(white, strip(10))).peakMa, 610)
  t.equal(value(compile(white, { ...strip(10), powerCapMa: 0, maPerChannel: 12 })).peakMa, 370)
  const refused = fault(compile(white, board))
  t.match(refused, {
    kind: 'power_exceeded',
    peakMa: 610,
    capMa: 310,
    frame: 0,
    fittingBrightness: 127,
    message: /0\.61 A.*0\.31 A.*brightness 127 of 255 \(50 %\)/,
  })
  t.equal(value(compile(white, board, { brightness: 127 })).peakMa, 309)
  const scaled = value(compile(white, board, { power: 'scale' }))
  t.ok(scaled.peakMa <= 310)
  t.equal(scaled.frames[0]?.pixels[0], dim(255, 127))
  t.match(fault(compile(white, { ...board, powerCapMa: 9 }, { power: 'scale' })), {
    fittingBrightness: null,
    message: /even when they are dark/,
  })
})

t.test('the brightness a refusal names always fits', async () => {
  const any = fc.record({
    pixels: fc.uint8Array({ minLength: 30, maxLength: 30 }),
    powerCapMa: fc.integer({ min: 1, max: 700 }),
  })
  fc.assert(
    fc.property(any, ({ pixels, powerCapMa }) => {
      const board = { ...strip(10), powerCapMa }
      const compiled = compile(pattern(10, 1, [...pixels]), board)
      if (compiled.ok) return compiled.value.peakMa <= powerCapMa
      if (compiled.fault.kind !== 'power_exceeded') return false
      const level = compiled.fault.fittingBrightness
      if (level === null) return true
      return compile(pattern(10, 1, [...pixels]), board, { brightness: level }).ok
    }),
  )
})
