import fc from 'fast-check'
import omggif from 'omggif'
import t from 'tap'
import { gifExporter } from '../../../src/pattern/export/gif.ts'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { detect, openBest, ownSample, seeded, sharedSample, value, withoutSamples } from '../pattern-files.ts'
import { difference, randomPattern } from './random-pattern.ts'

/** As the viewer of another author shows it. */
function asOthersSee(bytes: Uint8Array): Pattern {
  const reader = new omggif.GifReader(bytes)
  const { width, height } = reader
  const canvas = new Uint8Array(width * height * 4)
  const frames = Array.from({ length: reader.numFrames() }, (_, index) => {
    reader.decodeAndBlitFrameRGBA(index, canvas)
    return {
      delayMs: reader.frameInfo(index).delay * 10,
      pixels: canvas.filter((_value, at) => at % 4 !== 3),
    }
  })
  const loops = reader.loopCount()
  return { name: 'pattern', width, height, leds: width * height, channels: 3, frames, loopCount: loops ?? 1 }
}

const pictureOf = (
  width: number,
  height: number,
  delaysMs: readonly number[],
  pixels: Uint8Array,
  loopCount = 0,
): Pattern => ({
  name: 'pattern',
  width,
  height,
  leds: width * height,
  channels: 3,
  frames: delaysMs.map(delayMs => ({ delayMs, pixels })),
  loopCount,
})

t.test(
  'a pattern of few colours is written and read back without loss, here and by another decoder',
  async t => {
    const patterns = randomPattern({
      maxSide: 24,
      maxFrames: 8,
      delays: fc.integer({ min: 2, max: 60 }).map(hundredths => hundredths * 10),
      colors: [1, 2, 3, 4, 5, 16, 17, 100, 256, 2000],
    })
    fc.assert(
      fc.property(patterns, pattern => {
        const distinct = new Set(
          pattern.frames.flatMap(({ pixels }) =>
            Array.from({ length: pixels.length / 3 }, (_, i) => pixels.subarray(i * 3, i * 3 + 3).join()),
          ),
        )
        // At most 256 in all, or in each frame.
        fc.pre(distinct.size <= 256 || pattern.leds <= 256)
        const { bytes, notes } = value(gifExporter.write(pattern, {}))
        const problem =
          difference(pattern, openBest(bytes, { fileName: 'pattern.gif' })) ??
          difference(pattern, asOthersSee(bytes))
        if (problem !== undefined || notes.length > 0) throw new Error(`${problem} ${notes}`)
      }),
      { numRuns: 150 },
    )
    t.pass('150 patterns')
  },
)

t.test('samples come back pixel for pixel', { skip: withoutSamples }, async t => {
  for (const [name, bytes] of [
    ['comet', ownSample('comet.gif')],
    ['flame', sharedSample('gif/flame-103frames.gif')],
    ['12x6', sharedSample('leds/12x6-134.leds')],
    ['15x6', sharedSample('leds/15x6-369.leds')],
  ] as const) {
    const pattern = openBest(bytes)
    const written = value(gifExporter.write(pattern, {}))
    t.equal(difference(pattern, openBest(written.bytes)), undefined, name)
    if (name !== 'flame') t.equal(difference(pattern, asOthersSee(written.bytes)), undefined, name)
    t.comment(`${name}: ${bytes.length} bytes, written ${written.bytes.length}`)
  }
})

t.test('rounding is carried on, so that the whole keeps its length; shorter than 20 ms is said', async t => {
  const one = new Uint8Array(3)
  const written = (delaysMs: readonly number[]) => {
    const { bytes, notes } = value(gifExporter.write(pictureOf(1, 1, delaysMs, one), {}))
    return { times: openBest(bytes).frames.map(frame => frame.delayMs), notes }
  }
  t.match(written([33, 33, 33, 33, 33, 33]), { times: [30, 40, 30, 30, 40, 30], notes: [/rounded/] })
  t.match(written([40, 100]), { times: [40, 100], notes: [] })
  t.match(written([16, 17, 17, 50]), {
    times: [20, 20, 20, 40],
    notes: [/at least 20 ms: 3 frames are shorter$/, /rounded/],
  })
  t.match(written([10, 10, 10]), {
    times: [20, 20, 20],
    notes: [/3 frames are shorter, and the whole takes 60 ms instead of 30/],
  })
  const long = written([2_000_000]).times
  t.equal(
    long.reduce((sum, time) => sum + time, 0),
    2_000_000,
  )
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 20, max: 3000 }), { minLength: 1, maxLength: 60 }), delays => {
      const sum = (times: readonly number[]) => times.reduce((total, time) => total + time, 0)
      return Math.abs(sum(written(delays).times) - sum(delays)) <= 10
    }),
    { numRuns: 50 },
  )
})

t.test(
  'more than 256 colours in a frame come near, nearer with dithering on the whole, and that is said',
  async t => {
    const side = 64
    const gradient = Uint8Array.from({ length: side * side * 3 }, (_, at) => {
      const [pixel, c] = [Math.floor(at / 3), at % 3]
      const [x, y] = [pixel % side, Math.floor(pixel / side)]
      return [x * 4, y * 4, 255 - ((x + y) >> 1) * 4][c] ?? 0
    })
    const pattern = pictureOf(side, side, [100], gradient)
    const shown = (dither: boolean) => {
      const { bytes, notes } = value(gifExporter.write(pattern, { dither }))
      t.match(notes, [/1 frames/])
      t.equal(difference(openBest(bytes), asOthersSee(bytes)), undefined)
      return openBest(bytes).frames[0]?.pixels ?? new Uint8Array()
    }
    const error = (pixels: Uint8Array) =>
      Math.sqrt(pixels.reduce((sum, v, at) => sum + (v - (gradient[at] ?? 0)) ** 2, 0) / pixels.length)
    /** Mean error of areas of 4×4, which is what the eye sees from afar. */
    const blurred = (pixels: Uint8Array) => {
      let total = 0
      for (let y = 0; y < side; y += 4)
        for (let x = 0; x < side; x += 4)
          for (let c = 0; c < 3; c++) {
            let sum = 0
            for (let at = 0; at < 16; at++) {
              const place = ((y + (at >> 2)) * side + x + (at & 3)) * 3 + c
              sum += (pixels[place] ?? 0) - (gradient[place] ?? 0)
            }
            total += Math.abs(sum / 16)
          }
      return total
    }
    const [plain, dithered] = [shown(false), shown(true)]
    t.comment(`${error(plain)} and ${error(dithered)}; from afar ${blurred(plain)} and ${blurred(dithered)}`)
    t.ok(error(plain) < 10)
    t.ok(blurred(dithered) < blurred(plain))
    const random = seeded(4)
    const noise = Uint8Array.from({ length: 80 * 80 * 3 }, () => random() * 256)
    const noisy = value(gifExporter.write(pictureOf(80, 80, [100, 100], noise), {})).bytes
    t.equal(difference(openBest(noisy), asOthersSee(noisy)), undefined, 'noise fills the tables many times')
  },
)

t.test('what a GIF cannot hold is refused in words; how often it plays is kept', async t => {
  const wide = pictureOf(65_536, 1, [100], new Uint8Array(65_536 * 3))
  t.match(gifExporter.write(wide, {}), {
    ok: false,
    fault: { kind: 'does_not_fit', message: /65535 pixels/ },
  })
  const one = pictureOf(1, 1, [100], new Uint8Array(3))
  t.match(gifExporter.write(one, { map: new Uint32Array(1) }), { ok: false, fault: { kind: 'bad_request' } })
  for (const loopCount of [0, 1, 2, 65_535])
    t.equal(openBest(value(gifExporter.write({ ...one, loopCount }, {})).bytes).loopCount, loopCount)
})

t.test('a still GIF may be a sheet of sprites, too', async t => {
  const sheet = value(
    gifExporter.write(
      pictureOf(
        16,
        4,
        [100],
        Uint8Array.from({ length: 192 }, (_, at) => at),
      ),
      {},
    ),
  ).bytes
  t.match(detect(sheet), [{ format: 'gif' }, { format: 'sprites', width: 4, height: 4, frames: 4 }])
  t.match(detect(ownSample('comet.gif'), { sprite: { width: 8, height: 8 } }), [
    { format: 'sprites', frames: 4 },
  ])
  t.equal(detect(ownSample('comet.gif')).length, 1)
})
