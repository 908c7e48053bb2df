import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { colorOrderCode, colorOrders } from '../../../src/pattern/color-order.ts'
import { compile } from '../../../src/pattern/compile.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { pxgExporter } from '../../../src/pattern/export/pxg.ts'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import { createPattern, type Pattern } from '../../../src/pattern/pattern.ts'
import { fromSourceWiring, wirings } from '../../../src/pattern/wiring.ts'
import { pushVarint } from '../../../src/protocol/block/varint.ts'
import { crc32 } from '../../../src/protocol/crc32.ts'
import { buildImage, buildOpaqueImage, type ImagePattern } from '../../../src/protocol/image.ts'
import { decodeManifest, encodeManifest, type Manifest } from '../../../src/protocol/manifest.ts'
import { encodePxg } from '../../../src/protocol/pxg.ts'
import { detect, fault, openBest, seeded, sharedSample, value, withoutSamples } from '../pattern-files.ts'

const limits = { codecs: 15, decodeBytes: 4096, blockBytes: 4096 }

/** An image as a board stores it, as a file. */
function pxgOf(pattern: ImagePattern): Uint8Array {
  const built = buildImage(pattern, limits, 7)
  if (!built.ok) throw new Error(built.fault.kind)
  return encodePxg(built.value)
}
const image = (parts: Partial<ImagePattern> = {}): ImagePattern => ({
  leds: 2,
  width: 0,
  height: 0,
  channels: 3,
  colorOrder: 0,
  loopCount: 0,
  name: 'two',
  frames: [{ delayMs: 40, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) }],
  ...parts,
})
const write = (pattern: Pattern, name?: string) => value(pxgExporter.write(pattern, { name }))

/** Some with few colours, some that repeat, some of noise, so that every codec is used. */
const patterns: fc.Arbitrary<Pattern> = fc
  .record({
    width: fc.integer({ min: 1, max: 20 }),
    height: fc.integer({ min: 1, max: 12 }),
    delays: fc.array(fc.integer({ min: 1, max: 0xffffffff }), { minLength: 1, maxLength: 30 }),
    colors: fc.constantFrom(1, 2, 5, 256),
    run: fc.integer({ min: 1, max: 40 }),
    seed: fc.integer(),
    loopCount: fc.integer({ min: 0, max: 0xffff }),
    name: fc.string({ minLength: 1, maxLength: 8 }).map(text => `n${text.replace(/[\p{Cc}\s]/gu, '')}`),
  })
  .map(({ width, height, delays, colors, run, seed, loopCount, name }) => {
    const frames = delays.map((delayMs, frame) => {
      const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
        const place = Math.floor(at / 3 / run) + frame * 7 + seed
        return (Math.imul(place % colors, 0x9e3779b1) >>> (8 * (at % 3))) & 0xff
      })
      return { delayMs, pixels }
    })
    return value(createPattern({ name, width, height, loopCount, frames }))
  })

t.test('pixels, times, size, name and repeats come back as they were', async () => {
  fc.assert(
    fc.property(patterns, pattern => {
      const { bytes, notes } = write(pattern)
      const read = openBest(bytes, { fileName: 'other.pxg' })
      const same =
        read.frames.length === pattern.frames.length &&
        read.frames.every(
          (frame, at) =>
            frame.delayMs === pattern.frames[at]?.delayMs &&
            Buffer.compare(frame.pixels, pattern.frames[at].pixels) === 0,
        )
      const facts = ({ width, height, loopCount, name }: Pattern) => [width, height, loopCount, name].join()
      return same && facts(read) === facts(pattern) && notes.length === 0
    }),
    { numRuns: 150 },
  )
})

t.test('an image that was compiled for any board is turned back into the drawing', async () => {
  fc.assert(
    fc.property(
      patterns,
      fc.constantFrom(...wirings),
      fc.constantFrom(...colorOrders),
      (pattern, wiring, colorOrder) => {
        const { width, height, leds } = pattern
        const compiled = value(compile(pattern, { leds: leds + 3, width, height, wiring, colorOrder }))
        const read = openBest(pxgOf(compiled), height > 1 ? {} : { leds: leds + 3 })
        const turned = height > 1 ? value(fromSourceWiring(read, wiring)) : read
        return turned.frames.every(
          (frame, at) =>
            Buffer.compare(
              frame.pixels.subarray(0, leds * 3),
              pattern.frames[at]?.pixels ?? new Uint8Array(),
            ) === 0,
        )
      },
    ),
    { numRuns: 100 },
  )
})

t.test('the reason says what was turned, and what the file does not know', async t => {
  const [strip] = detect(pxgOf(image({ colorOrder: colorOrderCode('GRB') })))
  t.match(strip, {
    format: 'pxg',
    width: null,
    height: null,
    leds: 2,
    channels: 3,
    frames: 1,
    durationMs: 40,
  })
  t.match(strip?.reason, /2 LEDs in a row, 1 frames; its hash is right; colours turned back from GRB/)
  t.match(openBest(pxgOf(image({ colorOrder: 2 }))).frames, [{ pixels: Uint8Array.of(2, 1, 3, 5, 4, 6) }])
  const white = image({
    channels: 4,
    colorOrder: 8,
    frames: [{ delayMs: 1, pixels: Uint8Array.of(1, 2, 3, 100, 200, 0, 0, 100) }],
  })
  t.match(detect(pxgOf(white)), [{ reason: /the white of each LED is added/, channels: 3 }])
  t.same([...(openBest(pxgOf(white)).frames[0]?.pixels ?? [])], [101, 102, 103, 255, 100, 100])
  const matrix = image({
    leds: 3,
    width: 1,
    height: 2,
    frames: [{ delayMs: 0, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6, 0, 0, 0) }],
  })
  t.match(detect(pxgOf(matrix)), [
    { width: 1, height: 2, leds: 2, reason: /1 LEDs beyond the matrix are left out; .*wiring of the source/ },
  ])
  t.match(openBest(pxgOf(matrix)), {
    width: 1,
    height: 2,
    frames: [{ delayMs: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) }],
  })
  t.match(
    openBest(pxgOf(image()), { width: 1, height: 2 }),
    { width: 1, height: 2 },
    'a size that is told gives a strip its rows',
  )
  t.equal(openBest(pxgOf(image({ name: '' })), { fileName: 'glow.pxg' }).name, 'glow')
})

t.test('only the frames that are asked for are opened', async t => {
  const frames = Array.from({ length: 500 }, (_, at) => ({
    delayMs: at + 1,
    pixels: new Uint8Array(6).fill(at % 256),
  }))
  const file = pxgOf(image({ frames }))
  for (const range of [
    { first: 0, count: 1 },
    { first: 200, count: 150 },
    { first: 499, count: 9 },
  ])
    t.same(openBest(file, {}, { frames: range }).frames, frames.slice(range.first, range.first + range.count))
})

t.test('a damaged image is refused with its place; one of something else in words', async t => {
  const good = pxgOf(image())
  const imageAt = 4 + 104 + 8
  const changed = (at: number, byte: number) =>
    Uint8Array.from(good, (was, place) => (place === at ? byte : was))
  for (const [bytes, offset, message] of [
    [good.subarray(0, 60), 60, /cut short: 108 bytes were expected, it has 60/],
    [good.subarray(0, 110), 110, /cut short: 116 bytes/],
    [good.subarray(0, -1), good.length - 1, /cut short/],
    [Buffer.concat([good, Buffer.of(0, 0)]), good.length, /2 bytes follow the image/],
    [changed(4, 9), 4, /contradicts itself/],
    [changed(4 + 12, 2), 4 + 12, /contradicts itself/],
    [changed(4 + 18, 9), 4 + 18, /contradicts|does not fit/],
    [changed(4 + 23, 7), 4 + 23, /colour order 7/],
    [changed(4 + 23, 8), 4 + 23, /colour order 8 with 3 channels/],
    [changed(imageAt + 3, 0x77), imageAt, /block 0 .* checksum/],
    [changed(4 + 40, (good[44] ?? 0) ^ 1), 4 + 40, /SHA-256/],
  ] as const) {
    if (offset === 4 + 18) {
      const sized = Uint8Array.from(bytes)
      sized[4 + 20] = 1
      t.match(fault(detectPattern(sized)), {
        kind: 'invalid',
        offset,
        message: /9×1 does not fit on the 2 LEDs/,
      })
    } else t.match(fault(detectPattern(bytes)), { kind: 'invalid', offset, message })
  }
  const opaque = buildOpaqueImage(Uint8Array.of(1, 2, 3), 'firmware', limits, 1)
  if (!opaque.ok) throw new Error('no image')
  t.match(fault(detectPattern(encodePxg(opaque.value))), {
    kind: 'unsupported',
    format: 'pxg',
    message: /3 bytes of something else than a pattern/,
  })
  t.match(fault(detectPattern(new Uint8Array(99).fill(65), { fileName: 'x.pxg' })), {
    message: /text file|begins with 'PXG1'/,
  })
})

/** Blocks made by hand, under a manifest that fits them. */
function crafted(
  parts: Partial<Manifest>,
  stored: readonly (readonly [number, readonly number[]])[],
  frames: number,
): Uint8Array {
  const built = buildImage(image(), limits, 1)
  const fields = built.ok ? decodeManifest(built.value.manifest) : built
  if (!fields.ok) throw new Error('no manifest')
  const bytes = Buffer.concat(stored.map(([, block]) => Buffer.from(block)))
  const { leds, channels } = { ...fields.value, ...parts }
  const manifest = encodeManifest({
    ...fields.value,
    ...parts,
    imageBytes: bytes.length,
    frames: frames * stored.length,
    decodedBytes: frames * stored.length * leds * channels,
    sha256: new Uint8Array(createHash('sha256').update(bytes).digest()),
    blocks: stored.map(([codec, block]) => ({
      crc32: crc32(Uint8Array.from(block)),
      storedBytes: block.length,
      codec,
      frames,
    })),
  })
  return encodePxg({ manifest, image: bytes })
}

t.test('an image with right hashes and pixels that are none is refused when it is opened', async t => {
  for (const [stored, codec, message] of [
    [[1, 40, 0x80], 3, /repeats something from before its beginning/],
    [[1, 40, 1], 0, /ends too early/],
    [[1, 40, 0, 9, 9, 9, 1, 0, 1], 2, /a colour that it does not have/],
    [[1, 40, 1, 2, 3, 4, 5, 6, 7], 0, /goes on after its last frame/],
    [[1, 40, 0], 77, /coded in a way that is not known/],
  ] as const) {
    const [candidate] = detect(crafted({}, [[codec, stored]], 1))
    if (candidate === undefined) throw new Error('no candidate')
    t.match(fault(candidate.open()), { kind: 'invalid', offset: 116, message })
  }
})

/** One literal byte and a match for all the rest: 255 frames of as many LEDs in 13 bytes. */
const bomb = (leds: number): readonly [number, readonly number[]] => {
  const bytes: number[] = []
  pushVarint(bytes, 255)
  pushVarint(bytes, 20)
  bytes.push(0, 7, 0x9f)
  pushVarint(bytes, 255 * leds * 3 - 1 - 33)
  return [3, bytes]
}

t.test('limits are checked before anything is unpacked', async t => {
  const file = crafted({ leds: 65_535 }, new Array(4).fill(bomb(65_535)), 255)
  t.ok(file.length < 300)
  const many = crafted({ leds: 1 }, new Array(60_000).fill(bomb(1)), 255)
  const before = process.memoryUsage().rss
  t.match(fault(detectPattern(file)), { kind: 'too_large', message: /200,537,100 bytes/ })
  t.match(fault(detectPattern(many)), { kind: 'too_large', message: /15,300,000 frames/ })
  t.ok(process.memoryUsage().rss - before < 32 * 2 ** 20)
  t.match(fault(detectPattern(pxgOf(image()), {}, { ...defaultLimits, maxLeds: 1 })), { kind: 'too_large' })
  const largest = crafted({ leds: 65_535, colorOrder: 2 }, [bomb(65_535), bomb(65_535)], 255)
  t.equal(
    openBest(largest).frames.length,
    510,
    'what is within the limits is opened, however small its file is',
  )
})

t.test('what a .pxg file cannot hold is refused with its limit', async t => {
  const wide = (leds: number, fill: () => number = () => 0) =>
    value(
      createPattern({
        name: 'wide',
        width: leds,
        height: 1,
        loopCount: 0,
        frames: [{ delayMs: 1, pixels: new Uint8Array(leds * 3).map(fill) }],
      }),
    )
  const random = seeded(5)
  t.match(fault(pxgExporter.write(wide(65_536), {})), { kind: 'does_not_fit', message: /65536 LEDs.*65535/ })
  t.match(
    fault(
      pxgExporter.write(
        wide(65_535, () => random() * 256),
        {},
      ),
    ),
    {
      kind: 'does_not_fit',
      message: /frame 0 has \d+ bytes even when compressed; a block of a .pxg file holds 65535/,
    },
  )
  t.match(fault(pxgExporter.write(wide(1), { map: Uint32Array.of(0) })), { kind: 'bad_request' })
  t.match(fault(pxgExporter.write(wide(1), { colorOrder: 'GRB' })), { kind: 'bad_request' })
  t.match(write(wide(1), 'a name that is longer than a manifest allows').notes, [
    /cut to 32 bytes: 'a name that is longer than a man'/,
  ])
  t.equal(openBest(write(wide(1), 'given').bytes).name, 'given')
})

t.test('real drawings become images a fraction of their size', { skip: withoutSamples }, async t => {
  for (const name of ['15x6-369.leds', '12x6-134.leds']) {
    const drawn = openBest(sharedSample(`leds/${name}`))
    const { bytes } = write(drawn)
    const read = openBest(bytes)
    t.same(
      read.frames.map(frame => Buffer.from(frame.pixels).toString('hex')),
      drawn.frames.map(frame => Buffer.from(frame.pixels).toString('hex')),
    )
    t.ok(bytes.length < (drawn.leds * 3 * drawn.frames.length) / 3, `${bytes.length} bytes`)
  }
})
