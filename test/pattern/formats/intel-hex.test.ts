import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { hexDimExporter, hexExporter, hexRawExporter } from '../../../src/pattern/export/intel-hex.ts'
import { intelHexRecords, intelHexSize } from '../../../src/pattern/export/intel-hex-records.ts'
import { readHexImage } from '../../../src/pattern/import/intel-hex-records.ts'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import { CpuTime } from '../../support/cpu-time.ts'
import {
  detect,
  fault,
  openBest,
  seeded,
  sharedSample,
  u16le,
  value,
  withoutSamples,
} from '../pattern-files.ts'
import { anyPattern, bytesOf, faultOf, firstReading, patternOf, written } from './written-files.ts'

const record = (address: number, type: number, data: readonly number[]): string => {
  const body = [data.length, (address >> 8) & 0xff, address & 0xff, type, ...data]
  const sum = body.reduce((total, byte) => total + byte, 0)
  return `:${Buffer.from([...body, -sum & 0xff])
    .toString('hex')
    .toUpperCase()}`
}
const end = ':00000001FF'
const text = (...lines: readonly string[]): Uint8Array => Buffer.from(`${lines.join('\n')}\n`)
const std = [...u16le(2, 3), ...[10, 20, 30].flatMap(delay => [...u16le(delay), 1, 2, 3, 4, 5, 6])]
const piece = (from: number, to: number, base = 0) => record(base + from, 0, std.slice(from, to))
const imageOf = (...lines: readonly string[]) => value(readHexImage(text(...lines)))

t.test('what is written is read again: as STD, as DIM, and as raw pixels', async () => {
  fc.assert(
    fc.property(anyPattern, pattern => {
      const { leds, width, height } = pattern
      const total = pattern.frames.reduce((sum, frame) => sum + frame.delayMs, 0)
      const asStd = firstReading(written(hexExporter, pattern))
      if (asStd.format !== 'hex' || asStd.leds !== leds || asStd.durationMs !== total)
        throw new Error(`STD: ${asStd.format} ${asStd.leds} ${asStd.durationMs}`)
      // 1×2 pixels in one frame make a file that is 1 LED in two frames as well.
      const asDim = detect(written(hexDimExporter, pattern)).find(({ format }) => format === 'hex-dim')
      if (asDim?.width !== width || asDim.height !== height) throw new Error(`DIM: ${asDim?.width}`)
      for (const read of [asStd, asDim]) {
        const { frames } = value(read.open())
        const shown = frames.filter(({ delayMs }, at) => at === frames.length - 1 || delayMs < 0xffff)
        if (
          frames.length === pattern.frames.length &&
          Buffer.compare(Buffer.concat(frames.map(f => f.pixels)), bytesOf(pattern)) !== 0
        )
          throw new Error('other pixels')
        if (shown.length > pattern.frames.length) throw new Error('more frames than were drawn')
      }
      const raw = detect(written(hexRawExporter, pattern), { leds })
      if (raw.length !== 1 || raw[0]?.format !== 'hex-raw') throw new Error(`raw: ${raw[0]?.format}`)
      if (Buffer.compare(bytesOf(value(raw[0].open())), bytesOf(pattern)) !== 0)
        throw new Error('other raw pixels')
    }),
    { numRuns: 100 },
  )
})

t.test('real raw files within HEX have the same readings as without', { skip: withoutSamples }, async t => {
  for (const [name, leds, frames] of [
    ['bin/75led-698-headerless.bin', 75, 698],
    ['bin/50led-3160-headerless.bin', 50, 3160],
  ] as const) {
    const bytes = sharedSample(name)
    const hex = intelHexRecords(bytes)
    t.equal(hex.length, intelHexSize(bytes.length))
    const candidates = detect(hex, { fileName: 'x.hex' })
    const plain = detect(bytes)
    t.same(
      candidates.map(({ leds, confidence }) => [leds, confidence]),
      plain.map(({ leds, confidence }) => [leds, confidence]),
    )
    t.match(candidates[0], {
      format: 'hex-raw',
      leds,
      frames,
      selfDescribing: false,
      reason: /^Intel HEX of \d+ bytes: raw RGB/,
    })
    t.match(fault(chooseCandidate(candidates)), { kind: 'ambiguous' })
    t.equal(Buffer.compare(bytesOf(openBest(hex)), bytes), 0)
  }
})

const tool = 'objcopy'
const missing = spawnSync(tool, ['--version']).status === 0 ? false : 'objcopy (binutils) is not installed'

t.test('objcopy reads what is written, and what objcopy writes is read', { skip: missing }, async t => {
  const dir = t.testdir()
  const random = seeded(9)
  const convert = (from: string, to: string, input: Uint8Array): Buffer => {
    const [source, target] = [join(dir, 'in'), join(dir, 'out')]
    writeFileSync(source, input)
    const done = spawnSync(tool, ['-I', from, '-O', to, source, target], { encoding: 'utf8' })
    t.equal(done.status, 0, done.stderr)
    return readFileSync(target)
  }
  for (const size of [1, 15, 16, 17, 0xffff, 0x10000, 0x10001, 0x2a0b3, 0x110010]) {
    const bytes = new Uint8Array(size).map(() => random() * 256)
    t.equal(Buffer.compare(convert('ihex', 'binary', intelHexRecords(bytes)), bytes), 0, `${size} bytes out`)
    const image = value(readHexImage(convert('binary', 'ihex', bytes)))
    t.equal(Buffer.compare(image.bytes, bytes), 0, `${size} bytes in`)
  }
})

t.test('records may come in any order, from any address, with every type', async t => {
  const plain = { bytes: Buffer.from(std), address: 0 }
  t.match(imageOf(piece(0, 10), piece(10, 28), end), plain)
  t.match(imageOf(piece(20, 28), piece(0, 10), piece(10, 20), end), plain)
  t.match(imageOf(piece(0, 28).toLowerCase(), '', '  ', end.toLowerCase()), plain)
  t.match(value(readHexImage(Buffer.from([piece(0, 28), end].join('\r\n')))), plain)
  t.match(imageOf(record(0, 4, [8, 0]), piece(0, 28, 0x4000), end), {
    bytes: plain.bytes,
    address: 0x8004000,
  })
  t.match(imageOf(record(0, 2, [0x10, 0]), piece(0, 28, 0x20), end), { bytes: plain.bytes, address: 0x10020 })
  t.match(imageOf(record(0, 4, [0, 1]), piece(0, 28, 0xfff0), end), { bytes: plain.bytes, address: 0x1fff0 })
  const segment = Array.from({ length: 0x100 }, (_, page) =>
    record(page * 0x100 + 0xf0, 0, Array<number>(0x100 - 1).fill(page)),
  )
  const gaps = segment.map((_, page) => record((page * 0x100 + 0xef) & 0xffff, 0, [page]))
  const round = imageOf(record(0, 2, [0x10, 0]), ...segment, ...gaps, end)
  t.match(round, { address: 0x10000 }, 'within a segment the last record comes round to its beginning')
  t.same([...round.bytes.subarray(0, 3), round.bytes[0xef], round.bytes[0xf0]], [255, 255, 255, 0, 0])
})

t.test(
  'addresses of five digits, as Upload Bridge writes them, go on where the record before ended',
  async t => {
    const bytes = new Uint8Array(0x10040).map((_, at) => at * 7)
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += 16) {
      const body = [16, (at >> 8) & 0xff, at & 0xff, 0, ...bytes.subarray(at, at + 16)]
      const sum = -body.reduce((total, byte) => total + byte, 0) & 0xff
      const digits = Buffer.from([...bytes.subarray(at, at + 16), sum]).toString('hex')
      lines.push(`:10${at.toString(16).padStart(4, '0')}00${digits}`.toUpperCase())
    }
    t.equal(Buffer.compare(imageOf(...lines, end).bytes, bytes), 0)
    const far = lines.map(line => line.replace(/^:1010020/, ':1020020'))
    t.match(fault(readHexImage(text(...far, end))), { line: 0x1002 + 1, message: /five digits out of order/ })
  },
)

t.test('an STD file keeps long times by repeating the frame; limits are said', async t => {
  const pixels = Uint8Array.of(1, 2, 3)
  const long = patternOf(1, 1, [
    { delayMs: 65_535 * 2 + 1, pixels },
    { delayMs: 65_535, pixels },
  ])
  t.match(openBest(written(hexExporter, long)), {
    frames: [{ delayMs: 65_535 }, { delayMs: 65_535 }, { delayMs: 1 }, { delayMs: 65_535 }],
  })
  const of = (leds: number, delayMs = 10) =>
    patternOf(leds, 1, [{ delayMs, pixels: new Uint8Array(leds * 3) }])
  t.match(fault(hexExporter.write(of(10_001), {})), { kind: 'does_not_fit', message: /10,000 at most/ })
  t.match(fault(hexExporter.write(of(1, 0xffffffff), {})), {
    kind: 'does_not_fit',
    message: /65,535 at most/,
  })
  t.match(fault(hexDimExporter.write(of(4097), {})), { kind: 'does_not_fit', message: /4096 cells/ })
  t.match(fault(hexDimExporter.write(of(1, 65_535 * 20_001), {})), {
    kind: 'does_not_fit',
    message: /20,000 at most/,
  })
  t.match(fault(hexDimExporter.write(of(2), { map: Uint32Array.of(1) })), { kind: 'does_not_fit' })
  t.match(fault(hexExporter.write(of(2), { colorOrder: 'GRBW' })), { kind: 'bad_request' })
  const swapped = value(
    hexRawExporter.write(patternOf(2, 1, [{ delayMs: 5, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) }]), {
      map: Uint32Array.of(1, 0),
      colorOrder: 'BGR',
    }),
  )
  t.same([...imageOf(Buffer.from(swapped.bytes).toString().trimEnd()).bytes], [6, 5, 4, 3, 2, 1])
  t.match(swapped.notes.join(), /has 2 LEDs.*5 ms.*BGR.*order of the strip/)
})

t.test('damage is named by its line', async t => {
  const lines = [piece(0, 16), piece(16, 28), end]
  for (const [damaged, line, message] of [
    [[lines[0], lines[1]], 2, /end record .* missing/],
    [[lines[0], end, lines[1]], 3, /after the end record of line 2/],
    [[lines[1], lines[0]?.replace('0A00', '0B00'), end], 2, /checksum is [0-9A-F]{2}, but/],
    [[lines[0], lines[1]?.slice(0, -2), end], 2, /characters, expected/],
    [[lines[0], lines[1]?.replace('0', 'O'), end], 2, /'O' is no hexadecimal digit \(column/],
    [[lines[0], lines[1]?.slice(1), end], 2, /begins with ':', found '0'/],
    [[piece(0, 8), piece(16, 28), end], 2, /from address 0008 to 000F/],
    [[piece(16, 28), piece(0, 8), end], 1, /from address 0008 to 000F/],
    [[lines[0], piece(12, 28), end], 2, /address 000C is written twice/],
    [[lines[0], record(0, 6, []), end], 2, /type 06/],
    [[lines[0], record(0, 4, [1]), end], 2, /type 04 holds 2 bytes, not 1/],
    [[lines[0], record(0, 1, [1])], 2, /type 01 holds 0 bytes/],
    [[record(0, 5, [0, 0, 0, 0]), end], 2, /without any data/],
    [[`${lines[0]}${'00'.repeat(300)}`, lines[1], end], 1, /; 521 is the most/],
    [[lines[0], `${lines[1]?.slice(0, 3)}1${lines[1]?.slice(3)}`, end], 2, /a digit too many/],
    [[lines[0], record(16, 0, std.slice(16, 26)), end], 2, /in the 26 bytes of the Intel HEX file/],
  ] as const) {
    const bytes = text(...damaged.map(each => each ?? ''))
    t.match(fault(detectPattern(bytes)), { kind: 'invalid', line, message })
  }
  const bytes = text(...lines)
  const whole = bytesOf(openBest(bytes))
  for (let cut = 1; cut < bytes.length - 1; cut++) {
    const problem = faultOf(bytes.subarray(0, cut), 'x.hex', 'line')
    if (problem !== undefined) t.fail(`${cut} bytes: ${problem}`)
  }
  for (let at = 0; at < bytes.length; at++)
    for (let byte = 0; byte < 256; byte++) {
      const damaged = Uint8Array.from(bytes).fill(byte, at, at + 1)
      const read = detectPattern(damaged)
      const same = read.ok && Buffer.compare(bytesOf(value(read.value[0]?.open() ?? fail())), whole) === 0
      const problem = same ? undefined : faultOf(damaged, 'x', 'line')
      if (problem !== undefined) t.fail(`byte ${at} as ${byte}: ${problem}`)
    }
  const limits = { ...defaultLimits, maxFileBytes: 50 }
  t.match(fault(detectPattern(bytes, {}, limits)), { kind: 'too_large' })
  t.match(fault(detectPattern(text('words'), { fileName: 'a.hex' })), { message: /text file/ })
})

const fail = (): never => {
  throw new Error('no candidate')
}

t.test('a program is told from its start address', async t => {
  const [first] = detect(text(record(0, 0, Array<number>(30).fill(7)), record(0, 5, [0, 0, 1, 0]), end))
  t.match(first, { format: 'hex-raw', reason: /30 bytes; it says where a program starts/ })
})

t.test('a HEX file of 8 MB is read within a second', async t => {
  const pattern = patternOf(
    1000,
    1,
    Array.from({ length: 1000 }, () => ({ delayMs: 40, pixels: new Uint8Array(3000).fill(200) })),
  )
  const bytes = written(hexExporter, pattern)
  const cpu = new CpuTime()
  t.match(firstReading(bytes), { format: 'hex', leds: 1000, frames: 1000 })
  t.notOk(cpu.exceeds(1000), `${bytes.length} bytes in ${cpu.ms} ms`)
})
