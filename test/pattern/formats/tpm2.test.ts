import fc from 'fast-check'
import t from 'tap'
import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { tpm2Exporter } from '../../../src/pattern/export/tpm2.ts'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import { CpuTime } from '../../support/cpu-time.ts'
import { detect, fault, openBest, value } from '../pattern-files.ts'
import { anyPattern, bytesOf, faultOf, firstReading, patternOf, written } from './written-files.ts'

const block = (data: readonly number[], kind = 0xda, end = 0x36): readonly number[] => [
  ...[0xc9, kind, data.length >> 8, data.length & 0xff],
  ...data,
  end,
]
const packet = (data: readonly number[], number: number, total: number): readonly number[] => [
  ...[0x9c, 0xda, data.length >> 8, data.length & 0xff, number, total],
  ...data,
  0x36,
]
const file = (...blocks: readonly (readonly number[])[]): Uint8Array => Uint8Array.from(blocks.flat())
const six = [1, 2, 3, 0xc9, 0xda, 0x36]

t.test('what is written is read again, at 33 ms a frame', async () => {
  fc.assert(
    fc.property(anyPattern, pattern => {
      const bytes = written(tpm2Exporter, pattern)
      const read = firstReading(bytes)
      if (read.format !== 'tpm2' || read.leds !== pattern.leds) throw new Error(`${read.format} ${read.leds}`)
      const opened = value(read.open())
      if (Buffer.compare(bytesOf(opened), bytesOf(pattern)) !== 0) throw new Error('other pixels')
      if (opened.frames.some(({ delayMs }) => delayMs !== 33)) throw new Error('other times')
    }),
    { numRuns: 200 },
  )
})

t.test('commands, answers and pings between the frames are passed over', async t => {
  const ping = [0xc9, 0xaa]
  const bytes = file(
    ...[ping, block([5], 0xc0), block(six), [...ping, 0xac], block([9, 9], 0xaa), block(six), ping],
  )
  const candidates = detect(bytes, { fileName: 'show.bin' })
  t.match(value(chooseCandidate(candidates)), { format: 'tpm2', leds: 2, frames: 2, durationMs: null })
  t.same([...bytesOf(openBest(bytes))], [...six, ...six])
  t.match(openBest(bytes, { defaultDelayMs: 20 }).frames[0], { delayMs: 20 })
})

t.test('packets of TPM2.net are put together to frames, of any length each', async t => {
  const [a, b, c] = [[1, 2, 3, 4], [5], [6, 7, 8, 9]]
  const bytes = file(packet(a, 1, 3), packet([7], 1, 1).with(1, 0xc0), packet(b, 2, 3), packet(c, 3, 3))
  const two = file([...bytes], packet(six, 1, 2), packet([7, 8, 9], 2, 2))
  t.match(detect(two)[0], { format: 'tpm2', leds: 3, frames: 2, reason: /3 to a frame/ })
  t.same([...bytesOf(openBest(two))], [1, 2, 3, 4, 5, 6, 7, 8, 9, ...six, 7, 8, 9])
  t.match(openBest(file(packet(six, 1, 1), packet(six, 1, 1))), { leds: 2, frames: [{}, {}] })
  const place = (offset: number, message: RegExp) => ({ kind: 'invalid', offset, message })
  for (const [damaged, expected] of [
    [file(packet(a, 1, 3), packet(c, 3, 3)), place(11, /packet 3 of 3, expected packet 2 of 3/)],
    [file(packet(a, 2, 3)), place(0, /expected packet 1 of a frame/)],
    [file(packet(a, 1, 3), packet(b, 2, 2)), place(11, /expected packet 2 of 3/)],
    [file(packet(a, 1, 3), packet(b, 2, 3)), place(19, /2 of 3 packets/)],
    [file(packet(six, 0, 1)), place(0, /packet 0 of 1/)],
    [file(packet(six, 1, 0)), place(0, /packet 1 of 0/)],
  ] as const)
    t.match(fault(detectPattern(damaged)), expected)
})

t.test('damage is named by its byte', async t => {
  const frames = Array.from({ length: 6 }, () => ({ delayMs: 33, pixels: new Uint8Array(30).fill(9) }))
  const bytes = written(tpm2Exporter, patternOf(10, 1, frames))
  for (let cut = 1; cut < bytes.length; cut++) {
    const damaged = bytes.subarray(0, cut)
    if (cut % 35 === 0) t.match(detect(damaged)[0], { frames: cut / 35 })
    else if (cut > 1)
      t.match(fault(detectPattern(damaged, { fileName: 'x.tpm2' })), { kind: 'invalid', offset: cut })
    if (cut > 35 && cut % 35 > 0) t.match(fault(detectPattern(damaged)), { kind: 'invalid', offset: cut })
  }
  const change = (at: number, byte: number) => Uint8Array.from(bytes).fill(byte, at, at + 1)
  t.match(fault(detectPattern(change(34, 0x35))), { offset: 34, message: /ends with 35, expected 36/ })
  t.match(fault(detectPattern(change(70, 0xc8))), { offset: 70, message: /found C8/ })
  t.match(fault(detectPattern(change(71, 0xdb))), { offset: 71, message: /DB is no kind of block/ })
  t.match(fault(detectPattern(change(73, 31))), { message: /ends with C9/ })
  for (let at = 0; at < bytes.length; at++) {
    if (at % 35 >= 4 && at % 35 < 34) continue
    t.equal(faultOf(change(at, (bytes[at] ?? 0) ^ 0x10), 'x.tpm2', 'offset'), undefined, `byte ${at}`)
  }
  for (const [damaged, offset, message] of [
    [file(block(six), block([...six, 7, 8, 9])), 11, /3 LEDs after frames of 2/],
    [file(block([1, 2, 3, 4])), 0, /4 bytes, which is no whole number/],
    [file(block([]), block(six)), 0, /frame of 0 bytes/],
    [file(block([1], 0xc0)), 6, /no frame/],
    [file(block(six), [0, 0]), 11, /begins with C9/],
  ] as const)
    t.match(fault(detectPattern(damaged)), { kind: 'invalid', offset, message })
  const few = { ...defaultLimits, maxFrames: 5 }
  t.match(fault(detectPattern(bytes, {}, few)), { kind: 'too_large' })
  t.match(fault(detectPattern(bytes, {}, { ...defaultLimits, maxLeds: 9 })), { kind: 'too_large' })
  t.match(fault(detectPattern(bytes, {}, { ...defaultLimits, maxFileBytes: 9 })), { kind: 'too_large' })
})

t.test('a raw file whose first pixel looks like a block is still raw', async t => {
  const bytes = new Uint8Array(300).fill(0x77)
  bytes.set([0xc9, 0xda])
  t.match(detect(bytes, { fileName: 'x.bin' })[0], { format: 'raw' })
  t.match(fault(detectPattern(bytes, { fileName: 'x.tp2' })), { kind: 'invalid', offset: 300 })
})

t.test('a block holds 21,845 LEDs', async t => {
  const of = (leds: number) => patternOf(leds, 1, [{ delayMs: 33, pixels: new Uint8Array(leds * 3) }])
  t.match(firstReading(written(tpm2Exporter, of(21_845))), { format: 'tpm2', leds: 21_845 })
  t.match(fault(tpm2Exporter.write(of(21_846), {})), { kind: 'does_not_fit', message: /21845 LEDs/ })
  t.match(value(tpm2Exporter.write(of(2), {})).notes, [/33 ms/])
})

t.test('90 MB are read at more than 100 MB a second', async t => {
  const one = Buffer.from([...block(Array<number>(3072).fill(0xc9))])
  const bytes = Buffer.alloc(one.length * 29_000, one)
  const cpu = new CpuTime()
  t.equal(value(firstReading(bytes).open()).frames.length, 29_000)
  t.notOk(cpu.exceeds(bytes.length / 100_000), `${bytes.length} bytes in ${cpu.ms} ms`)
})
