import fc from 'fast-check'
import t from 'tap'
import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { jinxExporter } from '../../../src/pattern/export/jinx.ts'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import { toStripOrder, wiringMap } from '../../../src/pattern/wiring.ts'
import { CpuTime } from '../../support/cpu-time.ts'
import { detect, fault, openBest, seeded, sharedSample, value, withoutSamples } from '../pattern-files.ts'
import { anyPattern, bytesOf, faultOf, firstReading, patternOf, written } from './written-files.ts'

const samples = [
  ['Balls', 138],
  ['Mill', 218],
  ['Stars', 117],
] as const

t.test('the real recordings have 256 LEDs, chosen without asking', { skip: withoutSamples }, async t => {
  for (const [name, frames] of samples) {
    const bytes = sharedSample(`jinx/${name}.out`)
    const candidates = detect(bytes, { fileName: `${name}.out` })
    const chosen = value(chooseCandidate(candidates))
    t.match(chosen, { format: 'jinx', leds: 256, width: null, height: null, frames, durationMs: null })
    t.match(candidates[1], { width: 16, height: 16, selfDescribing: false }, 'a square can be asked for')
    const pattern = value(chosen.open())
    const again = Buffer.concat(pattern.frames.flatMap(({ pixels }) => [Buffer.of(1), pixels]))
    t.equal(Buffer.compare(again, bytes), 0, 'every byte but the marks is a pixel')
    t.equal(
      Buffer.compare(written(jinxExporter, pattern), bytes),
      0,
      'and written again they are the same file',
    )
    t.match(openBest(bytes, { width: 32, height: 8 }), { width: 32, height: 8 })
  }
})

t.test('what is written is read again, with 1 as 2', async () => {
  fc.assert(
    fc.property(anyPattern, pattern => {
      const bytes = written(jinxExporter, pattern)
      const read = firstReading(bytes)
      if (read.format !== 'jinx' || read.leds !== pattern.leds) throw new Error(`${read.format} ${read.leds}`)
      const expected = bytesOf(pattern).map(byte => (byte === 1 ? 2 : byte))
      if (Buffer.compare(bytesOf(value(read.open())), expected) !== 0) throw new Error('other pixels')
    }),
    { numRuns: 200 },
  )
})

t.test('wiring and colour order are heeded; what cannot be kept is said', async t => {
  const pixels = new Uint8Array(12).map((_, at) => at)
  const pattern = patternOf(2, 2, [{ delayMs: 40, pixels }])
  const map = wiringMap(2, 2, 'column-serpentine-bl')
  t.same(
    [...written(jinxExporter, pattern, { map, colorOrder: 'grb' })],
    [1, 7, 6, 8, 2, 0, 2, 4, 3, 5, 10, 9, 11],
  )
  t.same([...toStripOrder(pixels, map)], [6, 7, 8, 0, 1, 2, 3, 4, 5, 9, 10, 11])
  const { notes } = value(jinxExporter.write({ ...pattern, loopCount: 3 }, {}))
  t.match(notes.join(' '), /40 ms each.*2×2.*repeats \(3\).*1 becomes 2 in 1 places/)
  t.match(fault(jinxExporter.write(pattern, { colorOrder: 'GRBW' })), {
    kind: 'bad_request',
    message: /three bytes/,
  })
  t.match(fault(jinxExporter.write(pattern, { colorOrder: 'pink' })), { kind: 'bad_request' })
  t.match(fault(jinxExporter.write(pattern, { map: Uint32Array.of(4) })), { kind: 'bad_request' })
})

t.test('damage is named by its byte', async t => {
  const random = seeded(3)
  const pattern = patternOf(
    5,
    4,
    Array.from({ length: 20 }, () => ({
      delayMs: 40,
      pixels: new Uint8Array(60).map(() => 2 + random() * 250),
    })),
  )
  const bytes = written(jinxExporter, pattern)
  for (let cut = 1; cut < bytes.length - 61 * 4; cut++) {
    if (cut % 61 === 0) continue
    const damaged = bytes.subarray(0, bytes.length - cut)
    t.match(fault(detectPattern(damaged)), { kind: 'invalid', offset: damaged.length, message: /cut short/ })
  }
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Uint8Array.from(bytes)
    damaged[at] = at % 61 === 0 ? 7 : 1
    if (at > 0) t.match(fault(detectPattern(damaged)), { kind: 'invalid', offset: at })
    t.equal(faultOf(damaged, 'x.out', 'offset'), undefined)
  }
  for (let cut = 1; cut < bytes.length; cut++) {
    // Within the first frame a cut between two LEDs leaves a whole frame of fewer LEDs.
    if (cut % 61 === 0 || (cut < 61 && cut % 3 === 1 && cut > 1)) continue
    const problem = faultOf(bytes.subarray(0, cut), 'x.out', 'offset')
    if (problem !== undefined) t.fail(`${cut} bytes: ${problem}`)
  }
  t.match(fault(detectPattern(bytes, {}, { ...defaultLimits, maxFrames: 19 })), { kind: 'too_large' })
  t.match(fault(detectPattern(bytes, {}, { ...defaultLimits, maxFileBytes: 100 })), { kind: 'too_large' })
  t.match(fault(detectPattern(bytes, { leds: 21 })), { kind: 'bad_request', message: /20 \(jinx\)/ })
})

t.test('an hour of a real recording is read', { skip: withoutSamples }, async t => {
  const bytes = Buffer.alloc(769 * 218 * 540, sharedSample('jinx/Mill.out'))
  const cpu = new CpuTime()
  t.equal(value(firstReading(bytes).open()).frames.length, 117_720)
  t.notOk(cpu.exceeds(bytes.length / 100_000), `${bytes.length} bytes in ${cpu.ms} ms`)
})

t.test('marks that leave no whole number of LEDs are named in a file that is called .out', async t => {
  const bytes = Uint8Array.from([1, 5, 5, 5, 5, 1, 5, 5, 5, 5])
  t.match(fault(detectPattern(bytes, { fileName: 'x.OUT' })), {
    kind: 'invalid',
    offset: 5,
    message: /5 bytes apart/,
  })
  t.match(fault(detectPattern(bytes)), {
    kind: 'invalid',
    message: /no whole number of RGB pixels \(3 bytes each\)/,
  })
})

t.test('90 MB are read at more than 100 MB a second, without a copy', async t => {
  const stride = 1 + 1024 * 3
  const bytes = Buffer.alloc(stride * 30_000, 0xa5)
  for (let at = 0; at < bytes.length; at += stride) bytes[at] = 1
  const cpu = new CpuTime()
  const before = process.memoryUsage().arrayBuffers
  const pattern = value(firstReading(bytes).open())
  t.notOk(cpu.exceeds(bytes.length / 100_000), `${bytes.length} bytes in ${cpu.ms} ms`)
  t.equal(pattern.frames.length, 30_000)
  t.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024)
})
