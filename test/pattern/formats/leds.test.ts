import fc from 'fast-check'
import t from 'tap'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { ledsExporter } from '../../../src/pattern/export/leds.ts'
import { createPattern, type Pattern } from '../../../src/pattern/pattern.ts'
import { detect, fault, openBest, ownSample, sharedSample, value, withoutSamples } from '../pattern-files.ts'

const text = (...lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${lines.join('\n')}\n`)
const anim = (kind: string, width: number, ...rows: readonly string[]): readonly string[] => [
  `{${kind}`,
  `w:${width}`,
  `h:${rows.length}`,
  ...rows.map(row => `r:${row}`),
  'p:0',
  '}',
]
const layer = (...lines: readonly string[]): readonly string[] => ['[layer', 'n:{anim', ...lines, 'l:-1', ']']
const pixelsOf = (bytes: Uint8Array, frame = 0) => [...(openBest(bytes).frames[frame]?.pixels ?? [])]
const write = (pattern: Pattern, colorMode?: string) => value(ledsExporter.write(pattern, { colorMode }))
const pattern = (width: number, height: number, frames: readonly (readonly number[])[], delayMs = 100) =>
  value(
    createPattern({
      name: 'test',
      width,
      height,
      loopCount: 0,
      frames: frames.map(pixels => ({ delayMs, pixels: Uint8Array.from(pixels) })),
    }),
  )

t.test(
  'the background lets the lower layer through in RGB, 0 does so in drawings with few colours',
  async t => {
    const layered = (kind: string, background: string, lower: string, upper: string) =>
      text(
        ...['{header', `z:${background}`, '%:2', '}'],
        ...layer('w:2', 'h:1'),
        ...anim(kind, 2, lower),
        ...layer('w:2', 'h:1'),
        ...anim(kind, 2, upper),
      )
    t.same(pixelsOf(layered('anim4', '255', '000001 000002 ', '0000FF 000003 ')), [1, 0, 0, 3, 0, 0])
    t.same(
      pixelsOf(layered('anim4', '-1', '000001 000002 ', '000000 FFFFFF ')),
      [1, 0, 0, 255, 255, 255],
      'a background that was never chosen is black',
    )
    t.same(pixelsOf(layered('anim', '1', '0 1 ', '1 0 ')), [255, 255, 255, 255, 255, 255])
    t.same(pixelsOf(layered('anim2', '3', '1 2 ', '3 0 ')), [255, 255, 0, 0, 255, 0])
    t.same(pixelsOf(layered('anim5', '0', '4 2 ', '0 1 ')), [255, 0, 0, 0, 0, 255])
    t.match(detect(layered('anim4', '0', '0 0 ', '0 0 ')), [{ reason: /2 layers laid over each other/ }])
  },
)

t.test('keys mean what their block says: sizes of layers, locks and pens change no picture', async t => {
  const file = text(
    ...[
      '{header',
      'w:9',
      'h:9',
      'r:7',
      'p:-1',
      'z:0',
      '}',
      '{colours',
      'c:255',
      'p:65280',
      'l:1',
      'r:5',
      '}',
    ],
    ...layer('w:2', 'h:1'),
    '{anim4',
    'r:0000FF 00FF00 ',
    'p:-1',
    '}',
  )
  t.same(pixelsOf(file), [255, 0, 0, 0, 255, 0], 'a frame without a size of its own has that of its layer')
  const system = text(...anim('anim4', 2, 'FF00000F 010203 '))
  t.same(pixelsOf(system), [0x0f, 0, 0, 3, 2, 1], 'the top byte of a Windows colour is no light')
  t.same(pixelsOf(text(...anim('anim', 4, '000000 000001 000002 000003 '))), [
    ...[0, 0, 0, 255, 255, 255],
    ...[0, 0, 0, 0, 0, 0],
  ])
})

t.test('a fault quotes the beginning of a long line only', async t => {
  const long = '0'.repeat(3000)
  for (const line of [`w:${long}x`, `h:${long}x`, `w:${long}`]) {
    const file = text('{anim4', 'w:1', 'h:1', 'r:0000FF', '}', '{anim4', line, 'h:1', 'r:0000FF', '}')
    const { message } = fault(detectPattern(file, { fileName: 'a.leds' }))
    t.match(message, /^line 7: .*…/)
    t.ok(message.length < 200, message)
  }
})

t.test('cells without an LED are black in every frame, and the reason counts them', async t => {
  const frames = [
    ...anim('anim4', 2, '010101 020202 ', '030303 040404 '),
    ...anim('anim4', 2, '1 2 ', '3 4 '),
  ]
  const missing = (...rows: readonly string[]) =>
    text(...frames, '{deadpixel', ...rows.map(row => `p:${row}`), '}')
  const file = missing('0 1 ', '1 0 ')
  t.same(pixelsOf(file), [1, 1, 1, 0, 0, 0, 0, 0, 0, 4, 4, 4])
  t.same(pixelsOf(file, 1), [1, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0])
  t.match(detect(file), [{ reason: /2 cells have no LED and stay black/, leds: 4 }])
  t.same(pixelsOf(missing('01', '10')), pixelsOf(file), 'rows may be written without blanks')
  t.notMatch(detect(missing('0 0 ', '0 0 '))[0]?.reason, /no LED/)
  t.match(detect(missing('0 0 ', '0 1 ')), [{ reason: /1 cell has no LED and stays? black/ }])
  for (const [rows, line, message] of [
    [['0 0 0 '], 16, /has 3 cells; the width is 2/],
    [['0 0 ', '0 0 ', '0 0 '], 18, /more rows .* height of 2/],
    [['0 x '], 16, /'x' does not say whether there is an LED/],
  ] as const)
    t.match(fault(detectPattern(missing(...rows))), { kind: 'invalid', line, message })
})

const colors: Readonly<Record<string, readonly number[]>> = {
  mono: [0x000000, 0xffffff],
  bicolour: [0x000000, 0xff0000, 0x00ff00, 0xffff00],
  '3bpp': [0x000000, 0x0000ff, 0x00ff00, 0x00ffff, 0xff0000, 0xff00ff, 0xffff00, 0xffffff],
}

/** Patterns with the given colours, or any. */
const patterns = (palette?: readonly number[]): fc.Arbitrary<Pattern> =>
  fc
    .record({
      width: fc.integer({ min: 1, max: 12 }),
      height: fc.integer({ min: 1, max: 9 }),
      count: fc.integer({ min: 1, max: 6 }),
    })
    .chain(({ width, height, count }) => {
      const color =
        palette === undefined ? fc.integer({ min: 0, max: 0xffffff }) : fc.constantFrom(...palette)
      const cells = fc.array(color, { minLength: width * height, maxLength: width * height })
      return fc.array(cells, { minLength: count, maxLength: count }).map(frames =>
        pattern(
          width,
          height,
          frames.map(frame => frame.flatMap(rgb => [rgb >> 16, (rgb >> 8) & 0xff, rgb & 0xff])),
        ),
      )
    })

const sameFrames = (a: Pattern, b: Pattern): boolean =>
  a.width === b.width &&
  a.height === b.height &&
  a.frames.length === b.frames.length &&
  a.frames.every((frame, at) => Buffer.compare(frame.pixels, b.frames[at]?.pixels ?? new Uint8Array()) === 0)

t.test('what is written is read back cell by cell, in every kind of drawing', async () => {
  for (const [mode, palette] of [['rgb', undefined], ...Object.entries(colors)] as const)
    fc.assert(
      fc.property(patterns(palette), written => {
        const read = openBest(write(written, mode).bytes)
        return sameFrames(read, written)
      }),
      { numRuns: 60 },
    )
})

/**
 * A reading by the rules of the program itself (`TheMatrix.cpp`, LoadLEDMatrixData; `Convert.cpp`): a cell ends at a blank or at the last
 * character of the row, which is dropped; the kind is the last character of the block's name; hexadecimal digits in capitals only; every
 * number of the header must be there; a layer begins a canvas.
 */
function readLikeTheProgram(bytes: Uint8Array): { kind: string; frames: number[][]; size: number[] } {
  let mode = ''
  let kind = ''
  let size = [-1, -1]
  const frames: number[][] = []
  for (const line of Buffer.from(bytes).toString('latin1').split('\n')) {
    if (line === '' || line.startsWith('/') || line.startsWith('#')) continue
    const rest = line.slice(2)
    if (line.includes('{header')) mode = 'header'
    else if (line.includes('{deadpixel')) mode = 'missing'
    else if (line.startsWith('{')) {
      mode = 'frame'
      kind = line.at(-1) ?? ''
      frames.push([])
    } else if (line.startsWith('[')) mode = 'layer'
    else if (line.startsWith('}') || line.startsWith(']')) continue
    else if (mode === 'header' && !/^[-wx?]/.test(line) && !/^-?\d+$/.test(rest)) throw new Error(line)
    else if (mode === 'layer' && line.startsWith('l') && !/^\d$/.test(rest)) throw new Error(line)
    else if ((mode === 'layer' || mode === 'frame') && line.startsWith('w'))
      size = [Number(rest), size[1] ?? 0]
    else if ((mode === 'layer' || mode === 'frame') && line.startsWith('h'))
      size = [size[0] ?? 0, Number(rest)]
    else if (mode === 'frame' && line.startsWith('r'))
      for (const cell of rest.slice(0, -1).split(' ')) {
        if (!/^[0-9A-F]+$/.test(cell)) throw new Error(line)
        frames.at(-1)?.push(Number.parseInt(cell, 16))
      }
  }
  return { kind, frames, size }
}

t.test('the program itself reads what is written, by the rules of its source', async t => {
  const drawn = pattern(2, 2, [
    [255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0],
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 255, 255],
  ])
  t.same(readLikeTheProgram(write(drawn).bytes), {
    kind: '4',
    size: [2, 2],
    frames: [
      [0x0000ff, 0x00ff00, 0xff0000, 0],
      [0x030201, 0x060504, 0x090807, 0xffffff],
    ],
  })
  const few = pattern(3, 1, [[0, 0, 0, 255, 255, 0, 255, 0, 0]])
  t.same(readLikeTheProgram(write(few, 'bicolour').bytes), { kind: '2', size: [3, 1], frames: [[0, 3, 1]] })
  t.same(readLikeTheProgram(write(few, '3bpp').bytes), { kind: '5', size: [3, 1], frames: [[0, 6, 4]] })
  const white = pattern(2, 1, [[255, 255, 255, 0, 0, 0]])
  t.same(readLikeTheProgram(write(white, 'mono').bytes), { kind: 'm', size: [2, 1], frames: [[1, 0]] })
})

t.test(
  'real drawings are the same after they were written and read again',
  { skip: withoutSamples },
  async t => {
    for (const name of ['15x6-369.leds', '12x6-134.leds']) {
      const drawn = openBest(sharedSample(`leds/${name}`))
      const again = write(drawn)
      t.ok(sameFrames(openBest(again.bytes), drawn), name)
      // The author's own frames, line by line.
      const lines = (bytes: Uint8Array) =>
        Buffer.from(bytes)
          .toString('latin1')
          .split('\n')
          .filter(line => line.startsWith('r:') && line.length > 20)
      t.same(lines(again.bytes), lines(sharedSample(`leds/${name}`)))
    }
    t.ok(
      sameFrames(
        openBest(write(openBest(ownSample('lantern.leds'))).bytes),
        openBest(ownSample('lantern.leds')),
      ),
    )
  },
)

t.test('what a drawing cannot keep is said; what it cannot hold is refused', async t => {
  const plain = pattern(1, 1, [[1, 2, 3]], 40)
  t.same(write(plain).notes, [
    'the time of the frames (40 ms each) is not kept: set the speed in LED Matrix Studio',
  ])
  const frames = [20, 400].map(delayMs => ({ delayMs, pixels: new Uint8Array(3) }))
  t.match(write({ ...plain, frames, loopCount: 3 }).notes, [/20 to 400 ms/, /repeats \(3\)/])
  t.match(fault(ledsExporter.write(plain, { colorMode: 'mono' })), {
    kind: 'does_not_fit',
    message: /frame 0, row 0, column 0 has the colour #010203; a mono drawing knows #000000, #ffffff/,
  })
  t.match(fault(ledsExporter.write(plain, { colorMode: 'sepia' })), {
    kind: 'bad_request',
    message: /'sepia'.*bicolour/,
  })
  t.match(fault(ledsExporter.write(plain, { map: Uint32Array.of(0) })), { kind: 'bad_request' })
  t.match(fault(ledsExporter.write(plain, { colorOrder: 'GRB' })), { kind: 'bad_request' })
  const wide = (width: number) => pattern(width, 1, [new Array<number>(width * 3).fill(0)])
  t.match(fault(ledsExporter.write(wide(1025), {})), { kind: 'does_not_fit', message: /1024 cells a side/ })
  t.match(write(wide(1024)).notes.at(-1), /before 0.20.27/)
  t.ok(sameFrames(openBest(write(wide(1024)).bytes), wide(1024)))
})
