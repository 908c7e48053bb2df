import { decode } from 'fast-png'
import t from 'tap'
import { tellingFrame } from '../../src/pattern/look/telling-frame.ts'
import { thumbnailPng } from '../../src/pattern/look/thumbnail.ts'
import type { Pattern } from '../../src/pattern/pattern.ts'
import { openBest, ownSample, seeded } from './pattern-files.ts'

const patternOf = (width: number, height: number, frames: readonly Uint8Array[]): Pattern => ({
  name: 'p',
  width,
  height,
  leds: width * height,
  channels: 3,
  frames: frames.map(pixels => ({ delayMs: 100, pixels })),
  loopCount: 0,
})

const one = (leds: number, ...rgb: readonly number[]): Uint8Array =>
  Uint8Array.from({ length: leds * 3 }, (_, at) => rgb[at % 3] ?? 0)

t.test('the telling frame is neither black nor of one colour', async t => {
  const drawn = one(16, 0, 0, 0)
  drawn.set([255, 0, 0, 0, 255, 0, 0, 0, 255], 12)
  const frames = [one(16, 0, 0, 0), one(16, 255, 255, 255), drawn, one(16, 9, 9, 9)]
  t.equal(tellingFrame(frames.map(pixels => ({ pixels }))), 2)
  t.equal(tellingFrame([one(4, 0, 0, 0), one(4, 40, 0, 0)].map(pixels => ({ pixels }))), 1)
  t.equal(tellingFrame([{ pixels: one(4, 0, 0, 0) }]), 0)
})

t.test('a thumbnail of a small matrix is its telling frame, pixel for pixel', async t => {
  const pattern = openBest(ownSample('comet.gif'))
  const png = decode(thumbnailPng(pattern, { maxSide: 64 }), { checkCrc: true })
  t.match(png, { width: 16, height: 16 })
  const expected = pattern.frames[tellingFrame(pattern.frames)]?.pixels ?? new Uint8Array()
  const shown =
    png.palette === undefined ? [...png.data] : [...png.data].flatMap(at => png.palette?.[at] ?? [])
  t.same(shown, [...expected])
})

t.test('a strip is shown through time, a large picture smaller in proportion', async t => {
  const strip = patternOf(3, 1, [one(3, 255, 0, 0), one(3, 0, 255, 0), one(3, 0, 0, 255)])
  const png = decode(thumbnailPng(strip, { maxSide: 64 }))
  t.match(png, {
    width: 3,
    height: 3,
    palette: [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ],
  })
  t.match(decode(thumbnailPng(patternOf(4000, 1, [one(4000, 1, 2, 3)]), { maxSide: 64 })), {
    width: 64,
    height: 1,
  })
  t.match(decode(thumbnailPng(patternOf(200, 50, [one(10_000, 1, 2, 3)]), { maxSide: 64 })), {
    width: 64,
    height: 16,
  })
})

t.test('a thumbnail of 64 pixels a side has at most 8 KB, even of noise', async t => {
  const random = seeded(7)
  const noise = Uint8Array.from({ length: 64 * 64 * 3 }, () => random() * 256)
  const png = thumbnailPng(patternOf(64, 64, [noise]), { maxSide: 64 })
  t.ok(png.length <= 8192, `${png.length} bytes`)
})
