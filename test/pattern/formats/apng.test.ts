import fc from 'fast-check'
import { decodeApng } from 'fast-png'
import t from 'tap'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { apngExporter } from '../../../src/pattern/export/apng.ts'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import {
  detect,
  fault,
  openBest,
  ownSample,
  seeded,
  sharedSample,
  value,
  withoutSamples,
} from '../pattern-files.ts'
import { be, be16, chunk, file, ihdr, type PngParts, png, rows } from './png-builder.ts'
import { difference, randomPattern } from './random-pattern.ts'
import { readInChild } from './read-in-child.ts'

interface Control {
  readonly at?: readonly [x: number, y: number, width: number, height: number]
  readonly delay?: readonly [numerator: number, denominator: number]
  readonly dispose?: number
  readonly blend?: number
}

const canvas = { width: 2, height: 2, bitDepth: 8, colorType: 6 } as const

const fcTL = (
  sequence: number,
  { at = [0, 0, 2, 2], delay = [1, 10], dispose = 0, blend = 0 }: Control = {},
) => chunk('fcTL', [...be(sequence, at[2], at[3], at[0], at[1]), ...be16(...delay), dispose, blend])
const fdAT = (sequence: number, data: Uint8Array) => chunk('fdAT', [...be(sequence), ...data])
const acTL = (frames: number, plays = 0) => chunk('acTL', be(frames, plays))
const end = chunk('IEND')
const head = ihdr(canvas)

/** A picture of one RGBA colour. */
const plain = (rgba: readonly number[], width = 2, height = 2) =>
  rows({ ...canvas, width, height, sample: (_x, _y, c) => rgba[c] ?? 0 })
const idat = (rgba: readonly number[]) => chunk('IDAT', plain(rgba))

const R = [255, 0, 0, 255]
const G = [0, 255, 0, 255]
const B = [0, 0, 255, 255]
const HALF = [200, 200, 200, 128]

/** Red of each pixel where red is drawn, green where green …: the canvas as words. */
const seen = (bytes: Uint8Array): readonly string[] =>
  openBest(bytes).frames.map(({ pixels }) =>
    Array.from({ length: pixels.length / 3 }, (_, i) =>
      [...pixels.subarray(i * 3, i * 3 + 3)].join(','),
    ).join(' '),
  )

const [r, g, b, k] = ['255,0,0', '0,255,0', '0,0,255', '0,0,0']

t.test('each disposal and blending shows what a viewer shows', async t => {
  const animation = file(
    head,
    acTL(6, 3),
    fcTL(0, { dispose: 0 }),
    idat(R),
    fcTL(1, { at: [1, 0, 1, 1], dispose: 2 }),
    fdAT(2, plain(G, 1, 1)),
    fcTL(3, { at: [0, 1, 1, 1], dispose: 1 }),
    fdAT(4, plain(B, 1, 1)),
    fcTL(5, { at: [0, 0, 1, 1], blend: 1 }),
    fdAT(6, plain(HALF, 1, 1)),
    fcTL(7, { at: [1, 1, 1, 1], blend: 0 }),
    fdAT(8, plain(HALF, 1, 1)),
    fcTL(9, { at: [1, 0, 1, 2], blend: 1 }),
    fdAT(10, plain([0, 0, 0, 0], 1, 2)),
    end,
  )
  t.same(seen(animation), [
    `${r} ${r} ${r} ${r}`,
    `${r} ${g} ${r} ${r}`,
    `${r} ${r} ${b} ${r}`,
    `227,100,100 ${r} ${k} ${r}`,
    `227,100,100 ${r} ${k} 100,100,100`,
    `227,100,100 ${r} ${k} 100,100,100`,
  ])
  t.match(openBest(animation), { loopCount: 3 })
  t.match(detect(animation), [
    { format: 'apng', frames: 6, durationMs: 600, picture: true, selfDescribing: true },
  ])
})

t.test('a default picture without a frame control is not part of the animation', async t => {
  t.same(seen(file(head, acTL(1), idat(R), fcTL(0), fdAT(1, plain(G)), end)), [`${g} ${g} ${g} ${g}`])
  const second = file(
    head,
    acTL(2),
    fcTL(0, { dispose: 2 }),
    idat(R),
    fcTL(1, { at: [0, 0, 1, 1] }),
    fdAT(2, plain(G, 1, 1)),
    end,
  )
  t.same(
    seen(second),
    [`${r} ${r} ${r} ${r}`, `${g} ${k} ${k} ${k}`],
    'before the first frame there was nothing',
  )
  t.match(
    detect(file(head, idat(R), acTL(1), fcTL(0), end)),
    [{ format: 'png', frames: 1 }],
    'acTL after the picture',
  )
  t.match(detect(file(head, fcTL(0), idat(R), end)), [{ format: 'png' }], 'no acTL')
})

t.test('delays are fractions of a second; none at all is shown for 100 ms', async t => {
  const delayOf = (numerator: number, denominator: number) =>
    openBest(file(head, acTL(1), fcTL(0, { delay: [numerator, denominator] }), idat(R), end)).frames[0]
      ?.delayMs
  t.same(
    [delayOf(1, 1000), delayOf(1, 60), delayOf(7, 0), delayOf(0, 5), delayOf(65_535, 1), delayOf(1, 65_535)],
    [1, 17, 70, 100, 65_535_000, 1],
  )
})

t.test('an animation that its standard does not allow is refused with its byte', async t => {
  const at = (...before: readonly Uint8Array[]) =>
    8 + head.length + before.reduce((sum, part) => sum + part.length, 0)
  const [one, two] = [acTL(1), acTL(2)]
  const next = fdAT(2, plain(G))
  for (const [bytes, offset, message] of [
    [file(head, acTL(0), fcTL(0), idat(R), end), at(), /for 0 frames/],
    [file(head, chunk('acTL', [1]), idat(R), end), at(), /acTL chunk of 1 bytes/],
    [file(head, one, one, idat(R), end), at(one), /second acTL/],
    [file(head, two, fcTL(0), idat(R), end), at(), /announces 2 frames, but the file has 1/],
    [file(head, one, idat(R), end), at(), /announces 1 frames, but the file has 0/],
    [file(head, one, fcTL(0), idat(R), fcTL(1), next, end), at(one, fcTL(0), idat(R)), /a frame more/],
    [file(head, one, chunk('fcTL', [1]), idat(R), end), at(one), /fcTL chunk of 1 bytes/],
    [file(head, one, fcTL(1), idat(R), end), at(one) + 8, /piece 1 of the animation where 0/],
    [
      file(head, two, fcTL(0), idat(R), fcTL(1), fdAT(3, plain(G)), end),
      at(two, fcTL(0), idat(R), fcTL(1)) + 8,
      /piece 3/,
    ],
    [file(head, one, fcTL(0, { at: [0, 0, 1, 1] }), idat(R), end), at(one), /does not fill the canvas/],
    [
      file(head, one, idat(R), fcTL(0, { at: [1, 0, 2, 2] }), fdAT(1, plain(G)), end),
      at(one, idat(R)),
      /does not lie within/,
    ],
    [file(head, one, fcTL(0, { dispose: 3 }), idat(R), end), at(one), /disposal 3/],
    [file(head, one, fcTL(0, { blend: 2 }), idat(R), end), at(one), /blending 2/],
    [file(head, one, idat(R), fdAT(0, plain(G)), end), at(one, idat(R)), /before the fcTL/],
    [file(head, one, fcTL(0), idat(R), fdAT(1, plain(G)), end), at(one, fcTL(0), idat(R)), /before the fcTL/],
    [
      file(head, one, idat(R), fcTL(0), chunk('fdAT', [1]), end),
      at(one, idat(R), fcTL(0)),
      /fdAT chunk of 1 bytes/,
    ],
    [file(head, one, idat(R), fcTL(0), end), at(one, idat(R)), /without a picture/],
    [file(head, two, idat(R), fcTL(0), fcTL(1), next, end), at(two, idat(R)), /without a picture/],
    [file(head, two, fcTL(0), fcTL(1), idat(R), end), at(two), /without a picture/],
  ] as const)
    t.match(fault(detectPattern(bytes)), { kind: 'invalid', offset, message }, String(message))
})

/** As the viewer of another author shows it. */
function asOthersSee(bytes: Uint8Array): Pick<Pattern, 'width' | 'height' | 'frames' | 'loopCount'> {
  const { frames, width, height, channels, palette, numberOfPlays, depth } = decodeApng(bytes, {
    checkCrc: true,
  })
  return {
    width,
    height,
    loopCount: numberOfPlays,
    frames: frames.map(({ data, delayNumber, delayDenominator }) => {
      const pixels = new Uint8Array(width * height * 3)
      for (let i = 0; i < width * height; i++) {
        const color =
          depth === 8 && palette !== undefined
            ? palette[data[i] ?? 0]
            : data.slice(i * channels, i * channels + 3)
        pixels.set(color ?? [], i * 3)
      }
      return { delayMs: Math.round((delayNumber * 1000) / delayDenominator), pixels }
    }),
  }
}

t.test('any pattern is written and read back without loss, by this reader', async t => {
  const patterns = randomPattern({
    maxSide: 24,
    maxFrames: 8,
    delays: fc.constantFrom(1, 7, 16, 33, 100, 1000, 65_535, 65_536, 3_600_000, 65_535_000),
    colors: [1, 2, 3, 5, 16, 17, 200, 2000],
  })
  fc.assert(
    fc.property(patterns, pattern => {
      const { bytes, notes } = value(apngExporter.write(pattern, {}))
      const problem = difference(pattern, openBest(bytes))
      if (problem !== undefined || notes.length > 0) throw new Error(`${problem} ${notes}`)
    }),
    { numRuns: 120 },
  )
  const large = randomPattern({ maxSide: 150, maxFrames: 5, delays: fc.constant(40), colors: [2, 300] })
  fc.assert(
    fc.property(large, pattern => {
      const problem = difference(pattern, openBest(value(apngExporter.write(pattern, {})).bytes))
      if (problem !== undefined) throw new Error(problem)
    }),
    { numRuns: 30 },
  )
  t.pass('150 patterns')
})

t.test('times that no fraction holds are kept by frames that repeat, and that is said', async t => {
  const pixels = new Uint8Array(3)
  const make = (delayMs: number): Pattern => ({
    name: 'p',
    width: 1,
    height: 1,
    leds: 1,
    channels: 3,
    frames: [{ delayMs, pixels }],
    loopCount: 0,
  })
  for (const delayMs of [65_537, 131_071, 2 ** 32 - 1]) {
    const { bytes, notes } = value(apngExporter.write(make(delayMs), {}))
    const { frames } = openBest(bytes)
    t.ok(frames.length > 1)
    t.equal(
      frames.reduce((sum, frame) => sum + frame.delayMs, 0),
      delayMs,
    )
    t.match(notes, [/more frames repeat/])
  }
  t.match(apngExporter.write({ ...make(5), frames: [] }, {}), { ok: false, fault: { kind: 'does_not_fit' } })
  t.match(apngExporter.write(make(5), { map: new Uint32Array(1) }), {
    ok: false,
    fault: { kind: 'bad_request' },
  })
})

t.test('another decoder shows the same frames', { skip: withoutSamples }, async t => {
  const random = seeded(2)
  const colorful = (index: number) =>
    Uint8Array.from({ length: 20 * 20 * 3 }, (_, at) => (at < index * 300 ? random() * 256 : 9))
  const wild: Pattern = {
    name: 'p',
    width: 20,
    height: 20,
    leds: 400,
    channels: 3,
    loopCount: 4,
    frames: [1, 2, 3, 4].map(index => ({ delayMs: 30 * index, pixels: colorful(index) })),
  }
  for (const pattern of [
    openBest(ownSample('comet.gif')),
    openBest(sharedSample('gif/flame-103frames.gif'), {}, { scaleTo: { width: 40, height: 40 } }),
    wild,
  ]) {
    const { bytes } = value(apngExporter.write(pattern, {}))
    const other = asOthersSee(bytes)
    t.equal(difference(pattern, { ...pattern, ...other }), undefined)
    t.comment(
      `${bytes.length} bytes for ${pattern.frames.length} frames of ${pattern.width}×${pattern.height}`,
    )
  }
})

t.test('bombs are refused early: too many frames, and many large ones in few bytes', async t => {
  const tiny = rows({ ...canvas, width: 1, height: 1, sample: () => 0 })
  const frames = (count: number, width: number, announced = count): Uint8Array => {
    const parts: Buffer[] = []
    for (let at = 0; at < count; at++) parts.push(fcTL(at * 2, { at: [0, 0, 1, 1] }), fdAT(at * 2 + 1, tiny))
    const data = rows({ ...canvas, width, height: width, sample: () => 0 })
    const all = Buffer.concat(parts)
    return file(ihdr({ ...canvas, width, height: width }), acTL(announced), chunk('IDAT', data), all, end)
  }
  t.match(fault(detectPattern(frames(1, 1, 100_001))), {
    kind: 'too_large',
    message: /100001 frames; 40960/,
  })
  t.match(fault(detectPattern(frames(100, 512))), { kind: 'too_large', message: /would expand/ })
  const many = frames(15_000, 1)
  t.ok(many.length <= 1.2e6)
  const folder = t.testdir({
    many: Buffer.from(many),
    announced: Buffer.from(frames(1, 1, 100_001)),
    large: Buffer.from(frames(2000, 128)),
    hundred: Buffer.from(frames(100_000, 1)),
  })
  const measured = readInChild(folder, ['announced', 'large', 'hundred'])
  t.same(measured.faults, ['too_large', 'too_large', 'too_large'])
  t.comment(JSON.stringify(measured))
  t.notOk(measured.tooSlow, `${measured.cpuMs} ms`)
  t.ok(measured.grownBytes < 32e6, `${measured.grownBytes} bytes`)
  const patient = readInChild(folder, ['many'])
  t.notOk(patient.tooSlow, `${patient.cpuMs} ms for 15,000 frames`)
  t.match(detectPattern(frames(3, 1), {}, { ...defaultLimits, maxFrames: 2 }), {
    ok: false,
    fault: { kind: 'too_large' },
  })
})

const still: PngParts = { ...canvas, sample: () => 255 }
t.test('a sheet in an animated file is cut from its first frame when asked for', async t => {
  t.match(detect(file(head, acTL(1), fcTL(0), idat(G), end), { sprite: { width: 1, height: 2 } }), [
    { format: 'sprites', frames: 2 },
  ])
  t.match(detect(png(still)), [{ format: 'png' }])
})
