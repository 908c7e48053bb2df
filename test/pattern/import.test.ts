import t from 'tap'
import { chooseCandidate } from '../../src/pattern/choose.ts'
import { detectPattern } from '../../src/pattern/detect.ts'
import { patternError } from '../../src/pattern/fault.ts'
import { defaultLimits } from '../../src/pattern/limits.ts'
import { createPattern, patternName } from '../../src/pattern/pattern.ts'
import { fromSourceWiring } from '../../src/pattern/wiring.ts'
import {
  detect,
  fault,
  openBest,
  ownSample,
  seeded,
  sharedSample,
  u16le,
  value,
  withoutSamples,
} from './pattern-files.ts'

const std = (leds: number, delays: readonly number[]): Uint8Array =>
  Uint8Array.from([
    ...u16le(leds, delays.length),
    ...delays.flatMap((delay, frame) => [
      ...u16le(delay),
      ...Array.from({ length: leds * 3 }, (_, at) => (frame * 7 + at) & 0xff),
    ]),
  ])
const text = (...lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${lines.join('\n')}\n`)
const drawing = (kind: string, ...rows: readonly string[]) =>
  text(
    '{header',
    'w:',
    'p:1',
    '}',
    `{${kind}`,
    'w:2',
    `h:${rows.length}`,
    ...rows.map(row => `r:${row}`),
    'p:0',
    '}',
  )

t.test(
  'a drawing and the export its author made of it are equal in every frame, in both directions',
  { skip: withoutSamples },
  async t => {
    for (const [file, raw, width, height, count, wiring] of [
      ['15x6-369.leds', '15x6-369.export.bin', 15, 6, 369, 'column-serpentine-tl'],
      ['12x6-134.leds', '12x6-134.export.dat', 12, 6, 134, 'column-serpentine-bl'],
    ] as const) {
      const drawn = openBest(sharedSample(`leds/${file}`), { fileName: file })
      t.match(drawn, {
        name: file.slice(0, -5),
        width,
        height,
        leds: width * height,
        channels: 3,
        loopCount: 0,
      })
      t.equal(drawn.frames.length, count)
      const strip = openBest(sharedSample(`leds/${raw}`), { leds: width * height })
      const back = value(fromSourceWiring(strip, wiring, { width, height }))
      t.equal(back.frames.length, count)
      t.ok(
        back.frames.every(
          (frame, at) => Buffer.compare(frame.pixels, drawn.frames[at]?.pixels ?? new Uint8Array()) === 0,
        ),
        raw,
      )
      const turned = value(fromSourceWiring(strip, 'row-straight-tl', { width, height }))
      t.notOk(
        turned.frames.every(
          (frame, at) => Buffer.compare(frame.pixels, drawn.frames[at]?.pixels ?? new Uint8Array()) === 0,
        ),
      )
    }
  },
)

t.test('each kind of LED Matrix Studio frame has its colours; layers lie over each other', async t => {
  const pixels = (bytes: Uint8Array) => [...(openBest(bytes).frames[0]?.pixels ?? [])]
  t.same(pixels(drawing('anim', '0 1 ')), [0, 0, 0, 255, 255, 255])
  t.same(pixels(drawing('anim2', '1 2 ', '3 0 ')), [255, 0, 0, 0, 255, 0, 255, 255, 0, 0, 0, 0])
  t.same(pixels(drawing('anim3', '000001 000002')), [255, 0, 0, 0, 255, 0])
  t.same(pixels(drawing('anim4', '0000FF 332211')), [255, 0, 0, 0x11, 0x22, 0x33])
  t.same(pixels(drawing('anim5', '4 1')), [255, 0, 0, 0, 0, 255])
  const layered = text(
    ...[
      '# note',
      '',
      '{header',
      'z:255',
      '%:2',
      '}',
      '[layer',
      'n:a',
      'w:9',
      ']',
      '{anim4',
      'w:2',
      'h:1',
      'r:000001 000002',
      '}',
    ],
    ...[
      '[layer',
      ']',
      '{anim4',
      'w:2',
      'h:1',
      'r:0000FF 000003',
      '}',
      '{anim4',
      'w:2',
      'h:1',
      'r:0000FF 000004',
      '}',
    ],
    ...['{deadpixel', 'p:0 0', '}'],
  )
  const pattern = openBest(layered, { defaultDelayMs: 40 })
  t.same(
    pattern.frames.map(frame => [frame.delayMs, ...frame.pixels]),
    [
      [40, 1, 0, 0, 3, 0, 0],
      [40, 0, 0, 0, 4, 0, 0],
    ],
  )
  const windows = new TextEncoder().encode(`\ufeff{anim4\r\nw:1\r\nh:1\r\nr:010203 \r\n}\r\n`)
  t.same(pixels(windows), [3, 2, 1], 'a byte order mark, CRLF and a missing header are no trouble')
})

t.test('a damaged drawing is refused with its line and what was expected', async t => {
  const cases: readonly (readonly [Uint8Array, number, RegExp])[] = [
    [drawing('anim4', '0000FF'), 8, /1 cells; the width is 2/],
    [drawing('anim4', '1 2 3'), 8, /more cells than the width of 2/],
    [drawing('anim4', '1 GG'), 8, /'GG' is no cell/],
    [drawing('anim2', '1 4'), 8, /cell value 4.*0 to 3/],
    [text('{anim4', 'w:2', 'h:2', 'r:1 2', '}'), 5, /1 rows; its height is 2/],
    [text('{anim4', 'w:2', 'h:1', 'r:1 2', 'r:1 2', '}'), 5, /more rows than the height/],
    [text('{anim4', 'w:2', 'h:1', 'r:1 2'), 4, /cut short/],
    [text('{anim4', '{anim4'), 2, /before the one opened at line 1/],
    [text('{header', '}', '}'), 3, /never opened/],
    [text('{header', '}'), 2, /without a single frame/],
    [text('{anim4', 'w:x'), 2, /no size/],
    [text('{anim4', 'r:1'), 2, /before the frame said its width/],
    [text('{anim4', 'w:1', 'h:1', 'r:1', 'h:2'), 5, /another size/],
    [text('{anim4', 'w:1', 'h:1', 'r:1', '}', '{anim', 'w:1'), 6, /among frames of another kind/],
    [text('{anim4', 'w:0', 'h:0', '}'), 4, /0 rows/],
  ]
  for (const [bytes, line, message] of cases)
    t.match(fault(detectPattern(bytes)), { kind: 'invalid', line, message })
  for (const kind of ['{fontheader', '{frame4'])
    t.match(fault(detectPattern(text(kind, '}'))), {
      kind: 'unsupported',
      message: /save it as an animation/,
    })
  t.match(fault(detectPattern(drawing('anim4', '1 2'), {}, { ...defaultLimits, maxLeds: 1 })), {
    kind: 'too_large',
  })
  const two = text('{anim4', 'w:1', 'h:1', 'r:1', '}', '{anim4', 'w:1', 'h:1', 'r:1', '}')
  t.match(fault(detectPattern(two, {}, { ...defaultLimits, maxFrames: 1 })), { kind: 'too_large' })
  t.match(fault(detectPattern(text('hello'), { fileName: 'x.leds' })), { message: /text file/ })
  t.match(fault(detectPattern(new Uint8Array(300), { fileName: 'x.GIF' })), {
    kind: 'invalid',
    message: /GIF87a/,
  })
})

t.test('STD, DIM and LEDM files open with their times, and are chosen without asking', async t => {
  const file = std(3, [40, 0, 500])
  const candidates = detect(file, { fileName: '/tmp/a b.bin' })
  t.match(candidates[0], {
    format: 'std',
    width: null,
    height: null,
    leds: 3,
    frames: 3,
    durationMs: 640,
    selfDescribing: true,
  })
  const chosen = value(value(chooseCandidate(candidates)).open())
  t.match(chosen, { name: 'a b', width: 3, height: 1, loopCount: 0 })
  t.same(
    chosen.frames.map(frame => frame.delayMs),
    [40, 100, 500],
  )
  t.same([...(chosen.frames[1]?.pixels ?? [])], [7, 8, 9, 10, 11, 12, 13, 14, 15])
  t.match(detect(std(6, [1]), { width: 3, height: 2 })[0], { width: 3, height: 2 })
  t.match(fault(detectPattern(std(6, [9, 9]), { leds: 5 })), { kind: 'bad_request', message: /6 \(std\)/ })

  const frame = [...u16le(20), 1, 2, 3, 4, 5, 6]
  const dim = Uint8Array.from([...u16le(2, 1, 2), ...frame, ...frame])
  t.match(value(chooseCandidate(detect(dim))), {
    format: 'dim',
    width: 2,
    height: 1,
    frames: 2,
    durationMs: 40,
  })
  const magic = [...Buffer.from('LEDM')]
  const plain = Uint8Array.from([...magic, ...u16le(1, 2, 1), ...frame])
  t.match(detect(plain), [{ format: 'ledm', width: null, leds: 2, frames: 1 }])
  const sized = Uint8Array.from([...magic, ...u16le(5, 2, 1, 1, 2), ...frame])
  t.match(detect(sized), [{ format: 'ledm', width: 1, height: 2 }])
  t.match(openBest(sized), { width: 1, height: 2, frames: [{ delayMs: 20 }] })
  for (const [bytes, offset, message] of [
    [[...magic, 1], 5, /cut short/],
    [[...magic, ...u16le(6, 2, 1), ...frame], 4, /version 6/],
    [[...magic, ...u16le(1, 0, 1), ...frame], 6, /0 LEDs/],
    [[...magic, ...u16le(1, 2, 0), ...frame], 8, /0 frames/],
    [[...magic, ...u16le(1, 2, 1), ...frame, 9], 19, /need 18 or/],
    [[...magic, ...u16le(1, 2, 1, 3, 3), ...frame], 10, /3×3 does not make 2/],
  ] as const)
    t.match(fault(detectPattern(Uint8Array.from(bytes))), { kind: 'invalid', offset, message })
})

t.test('two headers that both fit are ambiguous; a file cut short or with a tail says so', async t => {
  const [one] = detect(std(3, [40]))
  if (one === undefined) throw new Error('no candidate')
  const other = { ...one, format: 'dim' }
  t.match(fault(chooseCandidate([one, other])), { kind: 'ambiguous', candidates: { length: 2 } })
  t.equal(value(chooseCandidate([{ ...one, confidence: 0.5 }, other])), other)
  t.equal(value(chooseCandidate([one, other], 1)), other)
  t.match(fault(chooseCandidate([one], 7)), { kind: 'bad_request', message: /no candidate 7/ })
  const whole = std(10, Array<number>(20).fill(33))
  for (let cut = 1; cut < 500; cut += 7)
    t.match(fault(detectPattern(whole.subarray(0, -cut))), {
      kind: 'invalid',
      offset: whole.length - cut,
      message: /cut short/,
    })
  t.match(fault(detectPattern(Uint8Array.from([...whole, 1, 2]))), {
    kind: 'invalid',
    message: /bytes after the last frame/,
  })
  const dim = Uint8Array.from([...u16le(5, 2, 20), ...whole.subarray(4)])
  t.match(fault(detectPattern(dim.subarray(0, -33))), { kind: 'invalid', message: /dim header/ })
})

t.test('files that are clearly something else are named, not guessed at', async t => {
  const noise = Array.from({ length: 900 }, seeded(5)).map(share => Math.floor(share * 256))
  const file = (start: string) => Uint8Array.from([...Buffer.from(start, 'latin1'), ...noise])
  const jinx = Uint8Array.from([1, ...Array<number>(30).fill(9), 1, ...Array<number>(30).fill(0)])
  const windows = Buffer.concat([
    Buffer.from('MZ'),
    Buffer.alloc(58),
    Buffer.from([64, 0, 0, 0]),
    Buffer.from('PE\0\0'),
  ])
  const tar = Buffer.concat([Buffer.alloc(257), Buffer.from('ustar\0'), Buffer.alloc(250)])
  for (const [bytes, message] of [
    [file('PSEQ'), /FSEQ/],
    [file('\xff\xd8\xff'), /JPEG/],
    [file('PK\x03\x04'), /ZIP/],
    [file('\x7fELF'), /ELF/],
    [file('RIFFabcdWEBP'), /WebP/],
    [file('BM\x10\x20\x30\x40\0\0\0\0\x36\0\0\0'), /BMP/],
    [file('abcdftypisom'), /MP4/],
    [file('\xc9\xda\x00\x03abc6'), /TPM2/],
    [file('\x9c\xda\x00\x03\x01\x01abc6'), /TPM2/],
    [windows, /Windows/],
    [tar, /tar/],
    [jinx, /Jinx/],
    [Buffer.from('{"a": [1, 2]}\n'), /JSON/],
    [Buffer.from('<svg xmlns="x"></svg>\n'), /SVG/],
    [Buffer.from(':10000000112233445566778899AABBCCDDEEFF00F8\n:00000001FF\n'), /Intel HEX/],
    [Buffer.from('just words, nothing drawn\n'), /text file/],
  ] as const)
    t.match(fault(detectPattern(new Uint8Array(bytes))), { kind: 'unsupported', message })
  t.match(fault(detectPattern(new Uint8Array())), { kind: 'invalid', message: /empty/ })
  const not = Uint8Array.from(jinx)
  not[40] = 1
  for (const bytes of [
    not,
    Uint8Array.from([1, 2, 3]),
    Uint8Array.from([1, ...Array<number>(30).fill(9), 2, 1]),
  ])
    t.notMatch(detectPattern(bytes), { fault: { kind: 'unsupported' } })
})

t.test('every fault becomes an operational error with its exit code and place', async t => {
  const error = patternError(fault(detectPattern(text('{header'))))
  t.match(error, { code: 'file_invalid', detail: { line: 1 } })
  const ambiguous = patternError(fault(chooseCandidate(detect(new Uint8Array(3600)))))
  t.equal(ambiguous.code, 'file_ambiguous')
  t.notMatch(JSON.stringify(ambiguous.detail), /open/)
})

t.test('a pattern is only made of numbers that hold', async t => {
  const good = {
    name: 'x',
    width: 2,
    height: 1,
    loopCount: 0,
    frames: [{ delayMs: 1, pixels: new Uint8Array(6) }],
  }
  t.match(value(createPattern(good)), { leds: 2, channels: 3 })
  for (const [wrong, kind] of [
    [{ width: 0 }, 'invalid'],
    [{ height: 1.5 }, 'invalid'],
    [{ frames: [] }, 'invalid'],
    [{ loopCount: 65536 }, 'invalid'],
    [{ frames: [{ delayMs: 0, pixels: new Uint8Array(6) }] }, 'invalid'],
    [{ frames: [{ delayMs: 1, pixels: new Uint8Array(5) }] }, 'invalid'],
    [{ width: 1e6 }, 'too_large'],
    [{ width: 5000, height: 2 }, 'too_large'],
  ] as const)
    t.match(fault(createPattern({ ...good, ...wrong })), { kind })
  t.match(fault(createPattern(good, { ...defaultLimits, maxBytes: 5 })), { kind: 'too_large' })
  t.same(
    [
      patternName('C:\\art\\glow.v2.leds'),
      patternName('.hidden'),
      patternName(undefined),
      patternName('a\nb.gif'),
    ],
    ['glow.v2', '.hidden', 'pattern', 'a b'],
  )
})

t.test("the project's own samples open as their readme says", async t => {
  t.match(openBest(ownSample('lantern.leds')), { width: 16, height: 16, frames: { length: 240 } })
  t.match(openBest(ownSample('comet.gif')), { width: 16, height: 16, loopCount: 0, frames: { length: 96 } })
})
