import fc from 'fast-check'
import t from 'tap'
import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { wledExporter } from '../../../src/pattern/export/wled.ts'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import { CpuTime } from '../../support/cpu-time.ts'
import { detect, fault, openBest, value } from '../pattern-files.ts'
import { anyPattern, bytesOf, faultOf, firstReading, patternOf, written } from './written-files.ts'

const file = (content: unknown, indent?: number): Uint8Array =>
  Buffer.from(JSON.stringify(content, null, indent))
const lines = (...states: readonly unknown[]): Uint8Array =>
  Buffer.from(states.map(state => `${JSON.stringify(state)}\n`).join(''))
const framesOf = (bytes: Uint8Array) => openBest(bytes).frames.map(({ pixels }) => [...pixels])
const [red, green, blue, black] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [0, 0, 0],
] as const

t.test('what is written is JSON, and is read again with times and size', async () => {
  fc.assert(
    fc.property(anyPattern, pattern => {
      const bytes = written(wledExporter, pattern)
      if (!Array.isArray(JSON.parse(Buffer.from(bytes).toString()))) throw new Error('no array')
      const read = firstReading(bytes)
      const { height } = pattern
      if (
        read.format !== 'wled' ||
        read.leds !== pattern.leds ||
        read.height !== (height > 1 ? height : null)
      )
        throw new Error(`${read.format} ${read.leds} ${read.height}`)
      const opened = value(read.open())
      if (Buffer.compare(bytesOf(opened), bytesOf(pattern)) !== 0) throw new Error('other pixels')
      if (opened.frames.some(({ delayMs }, at) => delayMs !== pattern.frames[at]?.delayMs))
        throw new Error('other times')
    }),
    { numRuns: 200 },
  )
})

t.test('every line of what is written can be sent to WLED: at most 256 colours each', async t => {
  const pixels = new Uint8Array(600 * 3).map((_, at) => at)
  const pattern = patternOf(600, 1, [
    { delayMs: 4_294_967_295, pixels },
    { delayMs: 20, pixels: pixels.toReversed() },
  ])
  const text = Buffer.from(written(wledExporter, pattern)).toString()
  const states = text
    .split('\n')
    .slice(1, -2)
    .map(line => JSON.parse(line.replace(/,$/, '')))
  t.same(
    states.map(({ seg }) => seg.i.filter((item: unknown) => typeof item === 'string').length),
    [256, 256, 88, 256, 256, 88],
  )
  t.same(
    states.map(({ seg }) => seg.i[0]).filter(first => typeof first === 'number'),
    [256, 512, 256, 512],
  )
  t.equal(Buffer.compare(bytesOf(openBest(Buffer.from(text))), bytesOf(pattern)), 0)
  const reversed = written(
    wledExporter,
    patternOf(2, 1, [{ delayMs: 9, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) }]),
    { map: Uint32Array.of(1, 0) },
  )
  t.match(Buffer.from(reversed).toString(), /"040506","010203"/)
  t.match(fault(wledExporter.write(pattern, { colorOrder: 'GRB' })), {
    kind: 'bad_request',
    message: /always RGB/,
  })
  const huge = { ...pattern, frames: Array(60_000).fill(pattern.frames[0]) }
  t.match(fault(wledExporter.write(huge, {})), { kind: 'does_not_fit' })
})

t.test('the export of Upload Bridge is read with its times', async t => {
  const pattern = {
    name: 'Halo',
    leds: 3,
    description: 'ring "of" 3 \\ {[',
    layout: { type: 'multi_ring', ring_led_counts: [3], ring_radii: [5.5], x: null, y: true },
    frames: [
      { dur: 100, data: [red, green, blue] },
      { dur: 40, data: [black, [1, 2, 3], red] },
    ],
  }
  for (const indent of [undefined, 2]) {
    const candidates = detect(file(pattern, indent), { fileName: 'halo.json' })
    t.match(value(chooseCandidate(candidates)), {
      format: 'wled',
      leds: 3,
      width: null,
      frames: 2,
      durationMs: 140,
      reason: /Upload Bridge/,
    })
    t.match(openBest(file(pattern, indent)), {
      width: 3,
      height: 1,
      frames: [{ delayMs: 100 }, { delayMs: 40 }],
    })
    t.same(framesOf(file(pattern, indent)), [
      [...red, ...green, ...blue],
      [...black, 1, 2, 3, ...red],
    ])
  }
  t.match(detect(file(pattern), { width: 1, height: 3 })[0], { width: 1, height: 3 })
  t.match(fault(detectPattern(file({ ...pattern, leds: 4 }))), {
    kind: 'invalid',
    message: /says 4 LEDs, but its frames have 3/,
  })
  const uneven = { ...pattern, frames: [...pattern.frames, { dur: 1, data: [red] }] }
  t.match(fault(detectPattern(file(uneven))), { kind: 'invalid', message: /1 LEDs after frames of 3/ })
  t.match(fault(detectPattern(file({ frames: [{ dur: 1, data: [0, red] }] }))), {
    kind: 'invalid',
    message: /an array, found '0'/,
  })
})

t.test('all forms of seg.i are read as WLED reads them', async t => {
  const one = (i: readonly unknown[]) => framesOf(file({ seg: { i } }))[0]
  t.same(one(['FF0000', '00ff00', '0000FF']), [...red, ...green, ...blue])
  t.same(one([red, green, blue]), [...red, ...green, ...blue])
  t.same(one([0, 'FF0000', 2, '00FF00', 4, '0000FF']), [...red, ...black, ...green, ...black, ...blue])
  t.same(one([0, 2, 'FF0000', 3, 5, '0000FF']), [...red, ...red, ...black, ...blue, ...blue])
  t.same(one([1, 'FF0000', '00FF00']), [...black, ...red, ...green], 'goes on after a place')
  t.same(
    one([3, 1, 'FF0000']),
    [...black, ...black, ...black, ...red],
    'a range that ends before it begins is one LED',
  )
  t.same(one([[9], [8, 7], '#010203']), [9, 0, 0, 8, 7, 0, 1, 2, 3])
  t.same(one(['10FF00F8', [1, 2, 3, 4]]), [255, 255, 248, 5, 6, 7], 'white lights all three')
  t.match(detect(file({ seg: { i: ['00000001'] } }))[0], { reason: /white lights/, durationMs: null })
  t.same(
    framesOf(file({ on: true, bri: 128, seg: [{ id: 0, start: 0, stop: 2, fx: 'r', i: ['FF0000'] }] })),
    [[...red, ...black]],
  )
  t.same(
    framesOf(
      file([
        { seg: [{ i: ['FF0000'] }, { id: 1, start: 2, stop: 4, i: ['00FF00'] }] },
        { seg: { id: 1, i: [1, '0000FF'] } },
      ]),
    ),
    [
      [...red, ...black, ...green, ...black],
      [...red, ...black, ...green, ...blue],
    ],
    'places are counted from the start of a segment, and what is not set stays',
  )
})

t.test('states one a line or in an array are frames; a state without colours is none', async t => {
  const states = [
    { on: true, bri: 255 },
    { seg: { i: ['FF0000'] } },
    { seg: { i: [1, '00FF00'] } },
    { seg: { frz: true } },
  ]
  const frames = [
    [...red, ...black],
    [...red, ...green],
  ]
  t.same(framesOf(lines(...states)), frames)
  t.same(framesOf(file(states)), frames)
  t.same(framesOf(file({ frames: states })), frames)
  t.same(framesOf(Buffer.from(`\ufeff${JSON.stringify(states, null, 1)}`)), frames)
  const matrix = file([
    { dur: 10, seg: { start: 0, stop: 2, startY: 0, stopY: 2, i: ['010203'] } },
    { dur: 30, seg: { i: [3, '040506'] } },
  ])
  t.match(detect(matrix)[0], { width: 2, height: 2, leds: 4, frames: 2, durationMs: 40 })
  const full = Array<string>(256).fill('0000FF')
  t.match(
    detect(lines({ seg: { i: full } }, { seg: { i: [256, ...full] } }))[0],
    { leds: 512, frames: 1 },
    'calls that continue each other are one frame',
  )
  t.match(
    detect(lines({ seg: { i: ['FF0000'] } }, { seg: { i: [1, 'FF0000'] } }))[0],
    { leds: 2, frames: 2 },
    'a light that runs is not',
  )
})

t.test('files of WLED that are no pattern are named in words', async t => {
  for (const [content, message] of [
    [{ map: [0, 1, -1, 2] }, /ledmap of WLED: the wiring of 4 LEDs/],
    [{ n: 'x', width: 2, height: 1, map: [0, 1] }, /wiring of 2 LEDs/],
    [{ on: true, seg: [{ id: 0, fx: 9, col: [[255, 0, 0]] }] }, /without colours of single LEDs/],
    [{ seg: { grp: 2, i: ['FF0000'] } }, /order of segment 0 by 'grp'/],
    [{ seg: { rev: true, i: ['FF0000'] } }, /by 'rev'/],
    [
      {
        seg: [
          { start: 0, stop: 2, startY: 0, stopY: 2, i: ['FF0000'] },
          { start: 2, stop: 4, startY: 0, stopY: 2, i: ['FF0000'] },
        ],
      },
      /several segments of a matrix/,
    ],
    [{ a: [1, 2] }, /JSON file/],
    [{ map: [{}] }, /JSON file/],
    [{ frames: [{ t: 1 }] }, /JSON file/],
    [[1, 2, 3], /JSON file/],
  ] as const)
    t.match(fault(detectPattern(Buffer.from(`${JSON.stringify(content)}\n`))), {
      kind: 'unsupported',
      message,
    })
})

t.test('damage is named by its line', async t => {
  const text = (...parts: readonly string[]) => Buffer.from(parts.join('\n'))
  const good = '{"seg":{"i":["FF0000","00FF00"]}}'
  for (const [bytes, line, message] of [
    [text(good, '{"seg":{"i":["FF00"]}}'), 2, /not written as "RRGGBB"/],
    [text(good, '{"seg":{"i":["FF0G00"]}}'), 2, /not written as/],
    [text(good, '{"seg":{"i":[[1,2,256]]}}'), 2, /value of 256/],
    [text(good, '{"seg":{"i":[[1,2,3,4,5]]}}'), 2, /5 values/],
    [text(good, '{"seg":{"i":[[]]}}'), 2, /0 values/],
    [text(good, '{"seg":{"i":[1.5,"FF0000"]}}'), 2, /a whole number, found '1'/],
    [text(good, '{"seg":{"i":[-1,"FF0000"]}}'), 2, /an array, found '-'/],
    [text(good, '{"seg":{"i":[1,2,3,"FF0000"]}}'), 2, /three numbers/],
    [text(good, '{"seg":{"i":["FF0000",7]}}'), 2, /a number without a colour/],
    [text(good, '', '{"seg":{"i":["FF0000"'), 3, /cut short/],
    [text(good, '{"seg":{"i":["FF0000"]}} x'), 2, /an object, found 'x'/],
    [text(`[${good},`, `${good}`, ']]'), 3, /after the end/],
    [text(`[${good}`, good, ']'), 2, /',' or the end of an array, found '{'/],
    [text(good, '{"seg" "x"}'), 2, /':', found '"'/],
    [text(good, `{"seg":${'['.repeat(100)}`), 2, /nested deeper/],
    [text(good, '{"a\\x":1}'), 2, /no JSON/],
    [text('{"seg":[{},{"i":["FF0000"]}]}'), 1, /segment 1 does not say where it starts/],
  ] as const)
    t.match(fault(detectPattern(bytes)), { kind: 'invalid', line, message })
  const bytes = written(
    wledExporter,
    patternOf(
      4,
      1,
      [1, 2, 3].map(delayMs => ({ delayMs, pixels: new Uint8Array(12).fill(delayMs) })),
    ),
  )
  for (let cut = 40; cut < bytes.length - 2; cut++) {
    const problem = faultOf(bytes.subarray(0, cut), 'x.json', 'line')
    if (problem !== undefined) t.fail(`${cut} bytes: ${problem}`)
  }
})

t.test('small files that ask for much are refused before memory is taken', async t => {
  const before = process.memoryUsage().arrayBuffers
  const cpu = new CpuTime()
  const range = '{"seg":{"i":[0,262144,"FF0000"]}}\n'
  for (const [text, message] of [
    ['{"seg":{"i":[4294967295,"FF0000"]}}', /draws LED 4294967295; 262144/],
    [`{"seg":{"i":[${'0,262144,"FF0000",'.repeat(50_000)}"FF0000"]}}`, /paints more than|limit/],
    [range.repeat(30_000), /limit/],
    ['{"seg":{"i":["FF0000"]}}\n'.repeat(40_000) + range, /limit/],
    [`{"seg":{"start":0,"stop":4000000000,"i":["FF0000"]}}`, /limit/],
    [`{"frames":[${'{"frames":['.repeat(90_000)}`, /JSON|no whole number/],
    ['['.repeat(1_000_000), /JSON|no whole number/],
    [`{"seg":${'{"a":'.repeat(200_000)}`, /nested/],
  ] as const)
    t.match(fault(detectPattern(Buffer.from(text))), { message })
  t.notOk(cpu.exceeds(4000), `${cpu.ms} ms`)
  t.ok(process.memoryUsage().arrayBuffers - before < 32 * 1024 * 1024)
  const three = lines({ seg: { i: [red] } }, { seg: { i: [red] } }, { seg: { i: [red] } })
  t.match(fault(detectPattern(three, {}, { ...defaultLimits, maxFrames: 2 })), { kind: 'too_large' })
})
