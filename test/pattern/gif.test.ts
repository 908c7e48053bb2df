import omggif from 'omggif'
import t from 'tap'
import { detectPattern } from '../../src/pattern/detect.ts'
import { defaultLimits } from '../../src/pattern/limits.ts'
import {
  detect,
  fault,
  openBest,
  seeded,
  sharedPath,
  sharedSample,
  u16le,
  withoutSamples,
} from './pattern-files.ts'

const palette = [0x000000, 0xff0000, 0x00ff00, 0x0000ff]
const K = [0, 0, 0]
const R = [255, 0, 0]
const G = [0, 255, 0]
const B = [0, 0, 255]

type Frame = readonly [
  x: number,
  y: number,
  w: number,
  h: number,
  indices: readonly number[],
  options?: omggif.FrameOptions,
]

function gif(width: number, height: number, frames: readonly Frame[], loop?: number): Uint8Array {
  const bytes = new Uint8Array(100_000)
  const writer = new omggif.GifWriter(bytes, width, height, {
    palette,
    ...(loop === undefined ? {} : { loop }),
  })
  for (const [x, y, w, h, indices, options] of frames) writer.addFrame(x, y, w, h, [...indices], options)
  return bytes.slice(0, writer.end())
}

const shown = (bytes: Uint8Array) => openBest(bytes).frames.map(frame => [...frame.pixels])

t.test('partial images, transparency and each disposal show what a viewer shows', async t => {
  const frames: readonly Frame[] = [
    [0, 0, 3, 1, [1, 1, 1], { disposal: 1 }],
    [1, 0, 1, 1, [2], { disposal: 3 }],
    [2, 0, 1, 1, [3], { disposal: 2 }],
    [0, 0, 3, 1, [3, 0, 0], { transparent: 0, disposal: 0 }],
  ]
  t.same(shown(gif(3, 1, frames)), [[R, R, R].flat(), [R, G, R].flat(), [R, R, B].flat(), [B, R, K].flat()])
})

t.test('delays of 0 and 10 ms are shown for 100 ms; loops are those of NETSCAPE, else one', async t => {
  const image: Frame = [0, 0, 1, 1, [1]]
  const timed = gif(
    1,
    1,
    [[...image.slice(0, 5), { delay: 1 }] as unknown as Frame, [0, 0, 1, 1, [1], { delay: 2 }], image],
    3,
  )
  const pattern = openBest(timed)
  t.same(
    pattern.frames.map(frame => frame.delayMs),
    [100, 20, 100],
  )
  t.equal(pattern.loopCount, 3)
  t.equal(detect(timed)[0]?.durationMs, 220)
  t.equal(openBest(gif(1, 1, [image], 0)).loopCount, 0)
  t.equal(openBest(gif(1, 1, [image])).loopCount, 1)
})

t.test('interlaced rows go to their places', async t => {
  const height = 11
  const order = [0, 8, 4, 2, 6, 10, 1, 3, 5, 7, 9]
  const bytes = gif(1, height, [[0, 0, 1, height, order.map(row => row % 4)]])
  const descriptor = bytes.indexOf(0x2c, 13 + 12)
  bytes[descriptor + 9] = (bytes[descriptor + 9] ?? 0) | 0x40
  t.same(shown(bytes)[0], Array.from({ length: height }, (_, row) => [K, R, G, B][row % 4]).flat(2))
})

t.test(
  'long and noisy images agree with another decoder in every pixel',
  { skip: withoutSamples },
  async t => {
    const random = seeded(3)
    const noise = gif(61, 67, [
      [0, 0, 61, 67, Array.from({ length: 61 * 67 }, () => Math.floor(random() * 4))],
    ])
    for (const [name, bytes] of [
      ['noise', noise],
      ['flame', sharedSample('gif/flame-103frames.gif')],
    ] as const) {
      const reader = new omggif.GifReader(bytes)
      const pattern = openBest(bytes)
      t.equal(pattern.frames.length, reader.numFrames(), name)
      const canvas = new Uint8Array(reader.width * reader.height * 4)
      for (const [index, frame] of pattern.frames.entries()) {
        reader.decodeAndBlitFrameRGBA(index, canvas)
        const { x, y, width, height, disposal } = reader.frameInfo(index)
        const same = frame.pixels.every((value, at) => value === canvas[Math.floor(at / 3) * 4 + (at % 3)])
        if (!same) t.fail(`${name} differs in frame ${index}`)
        if (disposal === 2)
          for (let row = y; row < y + height; row++)
            canvas.fill(0, (row * reader.width + x) * 4, (row * reader.width + x + width) * 4)
      }
    }
  },
)

t.test(
  'a GIF with a colour profile opens in less than a second and 64 MB',
  { skip: withoutSamples },
  async t => {
    const { execFileSync } = await import('node:child_process')
    const script = `
    import { readFileSync } from 'node:fs'
    import { detectPattern } from './src/pattern/detect.ts'
    import { CpuTime } from './test/support/cpu-time.ts'
    const bytes = readFileSync(process.argv[1])
    const before = process.memoryUsage().rss
    const cpu = new CpuTime()
    const opened = detectPattern(bytes).value[0].open()
    const grown = process.memoryUsage().rss - before
    process.stdout.write(JSON.stringify([opened.ok, cpu.ms, cpu.exceeds(1000), grown]))`
    const args = [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
      sharedPath('gif/hostile-icc-extension.gif'),
    ]
    const cwd = new URL('../..', import.meta.url).pathname
    const [opened, cpuMs, tooSlow, grownBytes] = JSON.parse(
      execFileSync(process.execPath, args, { cwd, encoding: 'utf8' }),
    )
    t.equal(opened, true)
    t.notOk(tooSlow, `${cpuMs} ms`)
    t.ok(grownBytes < 64e6, `${grownBytes} bytes`)
  },
)

t.test('pictures are scaled after composing: every new pixel is the mean of those it covers', async t => {
  const bytes = gif(4, 2, [[0, 0, 4, 2, [1, 1, 3, 3, 1, 0, 3, 3]]])
  t.same(
    [...(openBest(bytes, {}, { scaleTo: { width: 2, height: 1 } }).frames[0]?.pixels ?? [])],
    [191, 0, 0, 0, 0, 255],
  )
  t.same(
    [
      ...(openBest(gif(1, 1, [[0, 0, 1, 1, [2]]]), {}, { scaleTo: { width: 2, height: 2 } }).frames[0]
        ?.pixels ?? []),
    ],
    [G, G, G, G].flat(),
  )
  const limits = { ...defaultLimits, maxLeds: 4 }
  const [candidate] = detect(bytes, {}, limits)
  t.match(candidate?.open(), { ok: false, fault: { kind: 'too_large', message: /scale it/ } })
  t.match(candidate?.open({ scaleTo: { width: 2, height: 2 } }), { ok: true, value: { leds: 4 } })
})

t.test('damage is refused with the byte it is at', async t => {
  const good = gif(2, 2, [[0, 0, 2, 2, [1, 2, 3, 0]]])
  const image = good.indexOf(0x2c, 25)
  const patched = (at: number, value: number) => good.with(at, value)
  for (const [bytes, offset, message] of [
    [good.subarray(0, 9), 9, /ends inside its header/],
    [patched(6, 0), 6, /canvas is 0×2/],
    [good.subarray(0, image + 12), image + 12, /cut short/],
    [good.subarray(0, image), image, /without an image/],
    [patched(image, 0x77), image, /0x77 begins no GIF block/],
    [patched(image + 1, 1), image, /does not lie within the canvas/],
    [patched(image + 5, 0), image, /without pixels/],
    [patched(image + 10, 13), image, /code size of 13/],
    [patched(10, 0), 13, /begins no GIF block|colour table/],
  ] as const)
    t.match(fault(detectPattern(bytes)), { kind: 'invalid', offset, message })
  const open = (bytes: Uint8Array) => detect(bytes)[0]?.open()
  t.match(open(patched(image + 12, 0x05)), {
    ok: false,
    fault: { kind: 'invalid', offset: image, message: /of 4 pixels/ },
  })
  const noPalette = Uint8Array.from([
    ...Buffer.from('GIF89a'),
    ...u16le(1, 1),
    0,
    0,
    0,
    0x2c,
    ...u16le(0, 0, 1, 1),
    0,
    2,
    2,
    0x44,
    1,
    0,
    0x3b,
  ])
  t.match(fault(detectPattern(noPalette)), { offset: 13, message: /colour table/ })
  t.match(
    fault(
      detectPattern(
        gif(1, 1, [
          [0, 0, 1, 1, [1]],
          [0, 0, 1, 1, [1]],
        ]),
        {},
        { ...defaultLimits, maxFrames: 1 },
      ),
    ),
    { kind: 'too_large' },
  )
})

t.test('codes that no encoder writes end the image; they never loop', async t => {
  // After a clear code: 0, then codes above the next free one. A decoder that stores them makes a table entry that refers to itself.
  const bits = [4, 0, 7, 7, 7].flatMap(code => [0, 1, 2].map(bit => (code >> bit) & 1))
  const data = [0, 8].map(start =>
    bits.slice(start, start + 8).reduce((byte, bit, at) => byte | (bit << at), 0),
  )
  const head = [...Buffer.from('GIF89a'), ...u16le(4, 4), 0x81, 0, 0, ...Array<number>(12).fill(7)]
  const bytes = Uint8Array.from([...head, 0x2c, ...u16le(0, 0, 4, 4), 0, 2, data.length, ...data, 0, 0x3b])
  t.match(detect(bytes)[0]?.open(), { ok: false, fault: { message: /1 of 16 pixels/ } })
})

t.test('a small file that would expand to a huge one is refused before memory is taken', async t => {
  const image = (x: number) => [0x2c, ...u16le(x, 0, 1, 1), 0, 2, 2, 0x44, 1, 0]
  const bomb = (width: number, height: number, frames: number) =>
    Uint8Array.from([
      ...Buffer.from('GIF89a'),
      ...u16le(width, height),
      0x80,
      0,
      0,
      0,
      0,
      0,
      1,
      1,
      1,
      ...Array.from({ length: frames }, () => image(0)).flat(),
      0x3b,
    ])
  const before = process.memoryUsage().rss
  for (const bytes of [bomb(65535, 65535, 1), bomb(4096, 4096, 100), bomb(512, 512, 2000)])
    t.match(fault(detectPattern(bytes)), { kind: 'too_large', message: /would expand/ })
  t.ok(process.memoryUsage().rss - before < 32e6)
})
