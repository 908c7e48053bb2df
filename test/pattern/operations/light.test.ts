import fc from 'fast-check'
import t from 'tap'
import { brightness } from '../../../src/pattern/operations/brightness.ts'
import { gamma } from '../../../src/pattern/operations/gamma.ts'
import { limitPower } from '../../../src/pattern/operations/limit-power.ts'
import {
  colorTemperature,
  temperatureFactors,
  whiteBalance,
} from '../../../src/pattern/operations/white-balance.ts'
import { dim, powerOf } from '../../../src/pattern/power.ts'
import { fault, value } from '../pattern-files.ts'
import { anyPattern, patternOf, pixelsOf, told } from './any-pattern.ts'

const one = (...rgb: readonly number[]) => patternOf(1, 1, Uint8Array.from(rgb))

t.test('gamma leaves black and full alone and darkens what lies between', async t => {
  t.same(pixelsOf(value(gamma(2.2)(one(0, 128, 255)))), [0, 56, 255])
  t.same(pixelsOf(value(gamma(0.5)(one(64, 1, 255)))), [128, 16, 255])
  for (const wrong of [0, 11, Number.NaN, -1])
    t.match(fault(gamma(wrong)(one(0, 0, 0))), { kind: 'bad_request', message: /0\.1 to 10/ })
})

t.test('white of a colour temperature is that of a black body', async t => {
  // Chromaticities of black bodies as tables of CIE 1931 have them (2856 K is CIE's illuminant A), by hand into linear sRGB over that of 6500 K.
  for (const [kelvin, green, blue] of [
    [2000, 0.272, 0.008],
    [2856, 0.475, 0.127],
    [3200, 0.546, 0.195],
    [4000, 0.692, 0.38],
    [5000, 0.839, 0.633],
  ] as const) {
    const [r, g, b] = temperatureFactors(kelvin)
    t.equal(r, 1)
    t.ok(Math.abs(g - green) < 0.01, `${kelvin} K green ${g}`)
    t.ok(Math.abs(b - blue) < 0.01, `${kelvin} K blue ${b}`)
  }
  t.same(pixelsOf(value(colorTemperature(6500)(one(255, 128, 3)))), [255, 128, 3])
  const [red, , blue] = temperatureFactors(10_000)
  t.equal(blue, 1)
  t.ok(red < 0.75)
  for (const wrong of [1666, 25_001, Number.NaN])
    t.match(fault(colorTemperature(wrong)(one(0, 0, 0))), { message: /1667 to 25000 K/ })
})

t.test('warmer is redder: factors change without a jump over the whole range', async t => {
  let last = temperatureFactors(1667)
  for (let kelvin = 1670; kelvin <= 25_000; kelvin += 10) {
    const now = temperatureFactors(kelvin)
    const jump = Math.max(...now.map((value, c) => Math.abs(value - (last[c] ?? 0))))
    if (jump > 0.01 || now[2] / now[0] < last[2] / last[0]) t.fail(`${kelvin} K: ${now}, after ${last}`)
    last = now
  }
  t.pass('25,000 K')
})

t.test('white is balanced by three factors', async t => {
  t.same(pixelsOf(value(whiteBalance([1, 0.5, 2])(one(200, 200, 200)))), [200, 100, 255])
  t.match(fault(whiteBalance([1, -1, 1])(one(0, 0, 0))), { kind: 'bad_request', message: /1, -1, 1/ })
  t.match(fault(whiteBalance([1, Number.NaN, 1])(one(0, 0, 0))), { kind: 'bad_request' })
})

t.test('a pattern is dimmed as a board would dim it', async t => {
  const level = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(anyPattern, level, (pattern, at) => {
      const dimmed = pixelsOf(value(brightness(at)(pattern)))
      return pixelsOf(pattern).every((v, index) => dimmed[index] === dim(v, at))
    }),
  )
  t.match(fault(brightness(256)(one(0, 0, 0))), { kind: 'bad_request' })
})

t.test('what changes nothing changes nothing, and what is given is never written to', async () => {
  fc.assert(
    fc.property(anyPattern, pattern => {
      const before = told(pattern)
      const same = [
        gamma(1),
        colorTemperature(6500),
        whiteBalance([1, 1, 1]),
        brightness(255),
        limitPower(1e9),
      ]
      for (const operation of same) if (told(value(operation(pattern))) !== before) return false
      for (const operation of [gamma(2), colorTemperature(2700), brightness(3)]) operation(pattern)
      return told(pattern) === before
    }),
  )
})

t.test('a pattern is dimmed to what a supply can give', async t => {
  fc.assert(
    fc.property(anyPattern, fc.integer({ min: 1, max: 3000 }), (pattern, capMa) => {
      const made = limitPower(capMa)(pattern)
      const model = { leds: pattern.leds, maPerChannel: 20 }
      if (made.ok) return powerOf(made.value.frames, model).peakMa <= capMa
      return made.fault.kind === 'power_exceeded' && made.fault.fittingBrightness === null
    }),
  )
  t.match(fault(limitPower(0)(one(255, 255, 255))), { kind: 'power_exceeded' })
})

t.test('the power of a pattern is told for each frame, as peak and as mean over time', async t => {
  const two = patternOf(2, 1, Uint8Array.from([255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0]), [10, 30])
  t.same(powerOf(two.frames, { leds: 2, maPerChannel: 20 }), {
    peakMa: 122,
    peakFrame: 0,
    meanMa: 32,
    framesMa: [122, 2],
  })
})
