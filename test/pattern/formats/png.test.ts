import fc from 'fast-check'
import { decode, encode } from 'fast-png'
import t from 'tap'
import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { pngExporter } from '../../../src/pattern/export/png.ts'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import { readPattern } from '../../../src/upload/prepare.ts'
import { CpuTime } from '../../support/cpu-time.ts'
import { detect, fault, openBest, seeded, value } from '../pattern-files.ts'
import { be16, chunk, file, ihdr, type PngParts, packedZeros, png, rows } from './png-builder.ts'
import { readInChild } from './read-in-child.ts'

const shown = (bytes: Uint8Array): readonly number[] => [...(openBest(bytes).frames[0]?.pixels ?? [])]

const kinds = [
  ...[1, 2, 4, 8, 16].map(bitDepth => ({ colorType: 0, bitDepth })),
  ...[8, 16].flatMap(bitDepth => [2, 4, 6].map(colorType => ({ colorType, bitDepth }))),
  ...[1, 2, 4, 8].map(bitDepth => ({ colorType: 3, bitDepth })),
]

/** What a viewer shows on black, worked out pixel by pixel from the samples. */
function expectedPixels(parts: PngParts): readonly number[] {
  const { width, height, bitDepth, colorType, sample, palette = [], transparency } = parts
  const most = 2 ** bitDepth - 1
  const out: number[] = []
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const s = [0, 1, 2, 3].map(c => sample(x, y, c))
      const to8 = (v: number | undefined) => Math.round(((v ?? 0) * 255) / most)
      let rgb: readonly number[]
      let alpha = 255
      if (colorType === 3) {
        const index = s[0] ?? 0
        rgb = [0, 1, 2].map(c => palette[index * 3 + c] ?? 0)
        alpha = transparency?.[index] ?? 255
      } else if (colorType === 0 || colorType === 4) {
        rgb = [to8(s[0]), to8(s[0]), to8(s[0])]
        if (colorType === 4) alpha = to8(s[1])
        else if (transparency !== undefined && be16(s[0] ?? 0).every((b, at) => b === transparency[at]))
          alpha = 0
      } else {
        rgb = [to8(s[0]), to8(s[1]), to8(s[2])]
        if (colorType === 6) alpha = to8(s[3])
        else if (
          transparency !== undefined &&
          be16(...s.slice(0, 3)).every((b, at) => b === transparency[at])
        )
          alpha = 0
      }
      out.push(...rgb.map(v => Math.round((v * alpha) / 255)))
    }
  return out
}

function randomParts(
  seed: number,
  kind: { colorType: number; bitDepth: number },
  width: number,
  height: number,
): PngParts {
  const random = seeded(seed)
  const most = 2 ** kind.bitDepth
  const samples = Array.from({ length: width * height * 4 }, () => Math.floor(random() * most))
  const sample = (x: number, y: number, c: number) => samples[(y * width + x) * 4 + c] ?? 0
  const clear = be16(sample(0, 0, 0), sample(0, 0, 1), sample(0, 0, 2))
  const withTransparency = random() < 0.5
  return {
    ...kind,
    width,
    height,
    interlace: random() < 0.5 ? 1 : 0,
    sample,
    filter: row => Math.floor(seeded(seed + row)() * 5),
    ...(kind.colorType === 3
      ? { palette: Array.from({ length: most * 3 }, () => Math.floor(random() * 256)) }
      : {}),
    ...(withTransparency && kind.colorType === 3
      ? { transparency: Array.from({ length: Math.ceil(most / 2) }, () => Math.floor(random() * 256)) }
      : {}),
    ...(withTransparency && kind.colorType === 0 ? { transparency: clear.slice(0, 2) } : {}),
    ...(withTransparency && kind.colorType === 2 ? { transparency: clear } : {}),
  }
}

t.test(
  'every colour type, depth, filter, interlacing and transparency shows what its samples say',
  async t => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 19 }),
        fc.integer({ min: 1, max: 19 }),
        (seed, kind, width, height) => {
          const parts = randomParts(seed, kind, width, height)
          t.same(
            shown(png(parts)),
            expectedPixels(parts),
            `${seed} ${JSON.stringify(kind)} ${width}×${height}`,
          )
        },
      ),
      { numRuns: 150 },
    )
  },
)

t.test('another decoder and another encoder agree in every pixel', async t => {
  // The oracle leaves samples of less than a byte packed.
  for (const kind of kinds.filter(({ bitDepth }) => bitDepth >= 8)) {
    const { transparency: _, ...parts } = randomParts(5, kind, 13, 9)
    const bytes = png({ ...parts, interlace: 0 })
    const other = decode(bytes, { checkCrc: true })
    const expected: number[] = []
    for (let at = 0; at < 13 * 9; at++) {
      const pixel = [...other.data.slice(at * other.channels, (at + 1) * other.channels)]
      const to8 = (v = 0) => (kind.bitDepth === 16 ? Math.round(v / 257) : v)
      if (other.palette !== undefined) expected.push(...(other.palette[pixel[0] ?? 0] ?? []))
      else {
        const colors = other.channels < 3 ? [pixel[0], pixel[0], pixel[0]] : pixel.slice(0, 3)
        const alpha = other.channels % 2 === 0 ? to8(pixel.at(-1)) : 255
        expected.push(...colors.map(v => Math.round((to8(v) * alpha) / 255)))
      }
    }
    t.same(shown(bytes), expected, JSON.stringify(kind))
  }
  const random = seeded(11)
  const data = Uint8Array.from({ length: 31 * 17 * 3 }, () => random() * 256)
  t.same(shown(encode({ width: 31, height: 17, data, channels: 3 })), [...data])
  t.same(shown(encode({ width: 31, height: 17, data, channels: 3 }, { interlace: 'Adam7' })), [...data])
})

t.test(
  'a PNG is written and read back without loss; the first frame alone is kept, and that is said',
  async t => {
    const cell = fc.constantFrom(0, 1, 128, 255)
    const picture = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }), fc.boolean())
      .chain(([width, height, wild]) =>
        fc
          .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
          .chain(noise =>
            wild
              ? fc.constant({ width, height, pixels: noise })
              : fc
                  .array(cell, { minLength: width * height * 3, maxLength: width * height * 3 })
                  .map(cells => ({ width, height, pixels: Uint8Array.from(cells) })),
          ),
      )
    fc.assert(
      fc.property(picture, ({ width, height, pixels }) => {
        const frames = [
          { delayMs: 40, pixels },
          { delayMs: 40, pixels: pixels.map(v => 255 - v) },
        ]
        const pattern = {
          name: 'p',
          width,
          height,
          leds: width * height,
          channels: 3 as const,
          frames,
          loopCount: 0,
        }
        const written = value(pngExporter.write(pattern, {}))
        t.same(shown(written.bytes), [...pixels])
        t.match(written.notes, [/1 of 2 frames/])
        const [best] = detect(written.bytes)
        t.match(best, { format: 'png', width, height, frames: 1, durationMs: null })
      }),
      { numRuns: 60 },
    )
    const one = {
      name: 'p',
      width: 1,
      height: 1,
      leds: 1,
      channels: 3 as const,
      frames: [{ delayMs: 9, pixels: new Uint8Array(3) }],
      loopCount: 0,
    }
    t.match(pngExporter.write(one, { map: new Uint32Array(1) }), {
      ok: false,
      fault: { kind: 'bad_request', message: /wiring/ },
    })
    t.match(pngExporter.write(one, { colorOrder: 'GRB' }), {
      ok: false,
      fault: { kind: 'bad_request', message: /colour order/ },
    })
    t.match(pngExporter.write(one, { colorOrder: 'rgb' }), { ok: true })
  },
)

const grey: PngParts = { width: 2, height: 2, bitDepth: 8, colorType: 0, sample: (x, y) => x * 100 + y }
const good = png(grey)

t.test('a flipped bit anywhere, and every cut, is refused with the byte it is at', async t => {
  for (let at = 8; at < good.length; at++) {
    const flipped = good.with(at, (good[at] ?? 0) ^ 16)
    t.match(
      detectPattern(flipped),
      { ok: false, fault: { kind: 'invalid', offset: Number, message: /^byte \d+: / } },
      `byte ${at}`,
    )
  }
  for (let length = 8; length < good.length; length++)
    t.match(
      fault(detectPattern(good.subarray(0, length))),
      { kind: 'invalid', offset: length, message: /cut short/ },
      `${length} bytes`,
    )
  t.match(fault(detectPattern(Buffer.from('not a picture'), { fileName: 'x.png' })), {
    kind: /unsupported|invalid/,
  })
  t.match(fault(detectPattern(Uint8Array.from([1, 2, 3]), { fileName: 'x.png' })), {
    message: /named like a PNG/,
  })
})

t.test('a PNG that its standard does not allow is refused in words', async t => {
  const data = chunk('IDAT', rows(grey))
  const end = chunk('IEND')
  const head = ihdr(grey)
  const header = (over: Partial<PngParts>) => ihdr({ ...grey, ...over })
  const afterHead = 8 + head.length
  for (const [bytes, offset, message] of [
    [file(data, end), 8, /expected IHDR with 13/],
    [file(header({ width: 0 }), data, end), 16, /canvas of the PNG is 0×2/],
    [file(header({ bitDepth: 3 }), data, end), 24, /3 bits of colour type 0/],
    [file(header({ colorType: 5 }), data, end), 24, /8 bits of colour type 5/],
    [file(header({ interlace: 2 }), data, end), 26, /interlace 2/],
    [file(head, head, data, end), afterHead, /second IHDR/],
    [file(head, end), afterHead, /without a picture/],
    [file(head, chunk('NEWS'), data, end), afterHead, /NEWS chunk, which the PNG standard does not know/],
    [file(head, data, chunk('tIME', [1]), data, end), afterHead + data.length + 13, /apart from the others/],
    [file(header({ colorType: 3 }), data, end), afterHead, /no palette/],
    [file(header({ colorType: 3 }), chunk('PLTE', [1, 2]), data, end), afterHead, /palette of 2 bytes/],
    [file(head, chunk('tRNS', [1]), data, end), afterHead, /tRNS chunk of 1 bytes/],
  ] as const)
    t.match(fault(detectPattern(bytes)), { kind: 'invalid', offset, message })
  t.match(fault(detectPattern(file(head, Buffer.from([0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0]), end))), {
    message: /no PNG chunk/,
  })
  const opened = (bytes: Uint8Array) => detect(bytes)[0]?.open()
  const withData = (packed: Uint8Array) => file(head, chunk('IDAT', packed), end)
  for (const [bytes, message] of [
    [withData(rows({ ...grey, height: 1 })), /gives 3 of 6 bytes/],
    [withData(rows({ ...grey, height: 3 })), /more than the 6 bytes/],
    [withData(rows(grey).subarray(0, 5)), /cannot be decompressed/],
    [withData(rows(grey).with(-1, 0)), /cannot be decompressed/],
    [withData(rows({ ...grey, filter: () => 9 })), /filter 9/],
  ] as const)
    t.match(opened(bytes), { ok: false, fault: { kind: 'invalid', offset: afterHead, message } })
  t.same(
    shown(file(head, chunk('tEXt', [65, 0, 66]), ...split(rows(grey)), end, Buffer.from('tail'))),
    shown(good),
  )
})

/** The same picture in many small chunks, one of them empty. */
const split = (data: Uint8Array): readonly Uint8Array[] => [
  chunk('IDAT'),
  ...Array.from(data, byte => chunk('IDAT', [byte])),
]

t.test('a picture is scaled to the board by area, and too large only without that', async t => {
  const bytes = png({ ...grey, width: 600, height: 600, sample: (x, y) => (x < 300 === y < 300 ? 255 : 0) })
  const [candidate] = detect(bytes)
  t.match(candidate, { picture: true, selfDescribing: true, leds: 360_000 })
  t.match(candidate?.open(), { ok: false, fault: { kind: 'too_large', message: /scale it/ } })
  t.match(candidate?.open({ scaleTo: { width: 2, height: 2 } }), {
    ok: true,
    value: {
      frames: [{ delayMs: 100, pixels: Uint8Array.of(255, 255, 255, 0, 0, 0, 0, 0, 0, 255, 255, 255) }],
    },
  })
})

t.test('an upload brings a picture to the size of the board, and its sheet when that is chosen', async t => {
  const sheet = png({ ...grey, width: 32, height: 8, sample: x => Math.floor(x / 8) * 50 })
  const board = { width: 16, height: 4 }
  t.match(readPattern(sheet, { fileName: 'a.png', raw: false }, board, defaultLimits), {
    width: 16,
    height: 4,
    frames: { length: 1 },
    loopCount: 0,
  })
  t.match(
    readPattern(
      sheet,
      { fileName: 'a.png', raw: false, candidate: 1 },
      { width: 4, height: 4 },
      defaultLimits,
    ),
    {
      width: 4,
      frames: { length: 4 },
    },
  )
  t.match(readPattern(sheet, { fileName: 'a.png', raw: false }, { width: 0, height: 0 }, defaultLimits), {
    width: 32,
    height: 8,
  })
})

t.test('a sheet of sprites is offered, taken when asked for, and never taken unasked', async t => {
  const sheet = png({ ...grey, width: 32, height: 8, sample: x => Math.floor(x / 8) * 50 })
  const offered = detect(sheet)
  t.match(offered, [
    { format: 'png' },
    { format: 'sprites', width: 8, height: 8, frames: 4, reason: /--sprite/ },
  ])
  t.match(chooseCandidate(offered), { ok: true, value: { format: 'png', width: 32 } })
  const asked = detect(sheet, { sprite: { width: 8, height: 4 }, defaultDelayMs: 60 })
  t.match(asked, [{ format: 'sprites', width: 8, height: 4, frames: 8 }])
  const pattern = value(value(chooseCandidate(asked)).open())
  t.same(
    pattern.frames.map(frame => [frame.delayMs, frame.pixels[0]]),
    [0, 50, 100, 150, 0, 50, 100, 150].map(level => [60, level]),
  )
  t.match(offered[1]?.open({ scaleTo: { width: 2, height: 2 }, frames: { first: 1, count: 2 } }), {
    ok: true,
    value: { frames: [{ pixels: new Uint8Array(12).fill(50) }, { pixels: new Uint8Array(12).fill(100) }] },
  })
  t.match(offered[1]?.open({ frames: { first: 9, count: 1 } }), { ok: false, fault: { kind: 'bad_request' } })
  t.match(fault(detectPattern(sheet, { sprite: { width: 5, height: 8 } })), {
    kind: 'bad_request',
    message: /cannot be cut/,
  })
  t.match(fault(detectPattern(sheet, { sprite: { width: 0, height: 8 } })), {
    kind: 'bad_request',
    message: /no size/,
  })
  t.match(detect(png({ ...grey, width: 4, height: 40 })), [
    { format: 'png' },
    { format: 'sprites', frames: 10 },
  ])
  t.equal(detect(png({ ...grey, width: 30, height: 8 })).length, 1)
})

t.test('a small file that would expand to a huge one is refused before memory is taken', async t => {
  const bomb = (width: number, height: number, colorType = 2) =>
    file(ihdr({ width, height, bitDepth: 8, colorType }), chunk('IDAT', Buffer.alloc(100)), chunk('IEND'))
  for (const bytes of [bomb(0x7fffffff, 0x7fffffff), bomb(4097, 4096), bomb(3000, 3000), bomb(0x7fffffff, 1)])
    t.match(fault(detectPattern(bytes)), { kind: 'too_large', message: /would expand/ })
  t.match(fault(detectPattern(good, {}, { ...defaultLimits, maxFileBytes: 10 })), { kind: 'too_large' })
  // Zeros of another size than the header says: no more is unpacked than the header asks for.
  const packed = packedZeros(400e6)
  const make = (width: number, height: number) =>
    file(ihdr({ width, height, bitDepth: 8, colorType: 2 }), chunk('IDAT', packed), chunk('IEND'))
  const measured = readInChild(
    t.testdir({ small: Buffer.from(make(16, 16)), large: Buffer.from(make(1024, 1700)) }),
    ['small', 'large'],
  )
  t.same(measured.faults, ['invalid', 'invalid'])
  t.notOk(measured.tooSlow, `${measured.cpuMs} ms`)
  t.ok(measured.grownBytes < 32e6, `${measured.grownBytes} bytes`)
  t.comment(JSON.stringify(measured))
})

t.test('work is bounded: the largest picture and the most chunks take less than a second each', async t => {
  const inASecond = (work: () => void, what: string) => {
    const cpu = new CpuTime()
    work()
    t.notOk(cpu.exceeds(1000), `${cpu.ms} ms for ${what}`)
  }
  const random = seeded(3)
  const noise = Buffer.from(Array.from({ length: 1 << 16 }, () => random() * 256))
  const many = file(
    ihdr(grey),
    ...Array.from({ length: 80_000 }, () => chunk('tEXt')),
    chunk('IDAT', rows(grey)),
    chunk('IEND'),
  )
  inASecond(() => openBest(many), '80,000 chunks')
  const { deflateSync } = await import('node:zlib')
  const side = 2048
  const line = Buffer.concat([Buffer.from([4]), noise.subarray(0, side * 4)])
  const packed = deflateSync(Buffer.concat(Array.from({ length: side }, () => line)))
  const large = file(
    ihdr({ width: side, height: side, bitDepth: 8, colorType: 6 }),
    chunk('tEXt', Buffer.alloc(200_000)),
    chunk('IDAT', packed),
    chunk('IEND'),
  )
  inASecond(
    () => openBest(large, {}, { scaleTo: { width: 16, height: 16 } }),
    `${side}×${side} of ${large.length} bytes`,
  )
})
