import { execFileSync, spawnSync } from 'node:child_process'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { decompress } from 'fzstd'
import t from 'tap'
import { bytesSource } from '../../../src/pattern/byte-source.ts'
import { Damage } from '../../../src/pattern/import/fseq/damage.ts'
import type { Decoder } from '../../../src/pattern/import/fseq/decoder.ts'
import { InflateDecoder } from '../../../src/pattern/import/fseq/inflate.ts'
import { ZstdDecoder } from '../../../src/pattern/import/fseq/zstd.ts'
import { CpuTime } from '../../support/cpu-time.ts'
import { seeded } from '../pattern-files.ts'
import { skippableFrame, zstdFrame } from './fseq-files.ts'

const withoutZstd =
  spawnSync('zstd', ['--version']).status === 0 ? false : 'the program zstd is not installed'

const zstd = (bytes: Uint8Array, ...options: readonly string[]): Uint8Array =>
  new Uint8Array(execFileSync('zstd', [...options, '-c', '-q', '-'], { input: bytes, maxBuffer: 2 ** 28 }))

/** All that comes out; the decoder's memory is used again, so that what one stream leaves behind would be seen in the next. */
function expand(decoder: Decoder, packed: Uint8Array, mostBytes: number): Buffer {
  const parts: Uint8Array[] = []
  decoder.run(bytesSource(packed), 0, packed.length, mostBytes, bytes => {
    parts.push(bytes.slice())
    return true
  })
  return Buffer.concat(parts)
}

/** What a stream is refused with; '' when it is read. */
function refusal(decoder: Decoder, packed: Uint8Array, mostBytes: number): string {
  try {
    expand(decoder, packed, mostBytes)
    return ''
  } catch (thrown) {
    if (thrown instanceof Damage) return thrown.message
    throw thrown
  }
}

/** Frames of lights: runs, ramps, noise and repetitions of what came some frames ago. */
function lights(seed: number, size: number): Uint8Array {
  const random = seeded(seed)
  const out = new Uint8Array(size)
  for (let at = 0; at < size; ) {
    const length = Math.min(size - at, 1 + Math.floor(random() ** 4 * 60_000))
    const kind = Math.floor(random() * 5)
    const value = Math.floor(random() * 256)
    const back = 1 + Math.floor(random() ** 2 * Math.min(at, 3_000_000))
    for (let n = 0; n < length; n++)
      out[at + n] =
        kind === 0
          ? value
          : kind === 1
            ? value + n
            : kind === 2
              ? random() * 256
              : kind === 3
                ? random() ** 3 * value
                : (out[at + n - back] ?? 0)
    at += length
  }
  return out
}

t.test('what zstd has compressed comes out the same at every level', { skip: withoutZstd }, async t => {
  const decoder = new ZstdDecoder()
  const ways = [
    '-1',
    '-3',
    '-6',
    '-9',
    '-12',
    '-16',
    '-19',
    '--fast=1',
    '--fast=10',
    '--no-check',
    '--no-content-size',
  ]
  for (const [index, way] of ways.entries())
    for (const size of [0, 1, 7, 300, 5000, 140_000, 1_500_000]) {
      const raw = lights(index * 100 + size, size)
      const packed = zstd(raw, way)
      t.equal(Buffer.compare(expand(decoder, packed, size), raw), 0, `${way}, ${size} bytes`)
    }
})

t.test('frames, skippable frames and empty frames follow each other in one piece', async t => {
  const first = lights(1, 70_000)
  const packed = Buffer.concat([
    zstdFrame([first.subarray(0, 50_000), first.subarray(50_000)]),
    skippableFrame(100),
    zstdFrame([new Uint8Array(0)]),
    zstdFrame([{ byte: 9, count: 1000 }, first.subarray(0, 3)]),
  ])
  const whole = Buffer.concat([first, Buffer.alloc(1000, 9), first.subarray(0, 3)])
  t.equal(Buffer.compare(expand(new ZstdDecoder(), packed, whole.length), whole), 0)
  for (let cut = 1; cut < 1000; cut += 9)
    t.not(refusal(new ZstdDecoder(), packed.subarray(0, -cut), whole.length), '', `${cut} bytes less`)
})

t.test('zstd headers that ask for what is not there are refused before memory is taken', async t => {
  const refused = (bytes: readonly number[] | Uint8Array, message: RegExp, most = 1000) =>
    t.match(refusal(new ZstdDecoder(), Uint8Array.from(bytes), most), message)
  const magic = [0x28, 0xb5, 0x2f, 0xfd]
  refused([1, 2, 3, 4, 5, 6, 7], /no Zstandard frame/)
  refused([...magic, 0x20], /no Zstandard frame/)
  refused([...magic, 0x08, 0x58, 1, 0, 0], /reserved/)
  refused([...magic, 0x01, 0x58, 7, 1, 0, 0], /dictionary/)
  refused([...magic, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0], /expands to 4294967296 bytes; 1000/)
  refused([...magic, 0x00, 0xa0, 1, 0, 0], /window of 1073741824 bytes/, 2 ** 27)
  t.equal(expand(new ZstdDecoder(), Uint8Array.from([...magic, 0x00, 0xa0, 1, 0, 0]), 1000).length, 0)
  refused([...magic, 0x00, 0x58, 7, 0, 0], /kind that does not exist/)
  refused(zstdFrame([{ byte: 1, count: 131_073 }]), /131072 is the limit/)
  refused(skippableFrame(10).subarray(0, 12), /beyond its block/)
})

t.test(
  'damaged zstd is read or refused in time bounded by what it may yield',
  { skip: withoutZstd },
  async t => {
    const decoder = new ZstdDecoder()
    const raw = lights(5, 200_000)
    const packed = ['-1', '-9', '-19', '--fast=5'].map(way => zstd(raw, way, '--no-check'))
    const seed = 4711
    let whole = 0
    for (let run = 0; run < 3000; run++) {
      const random = seeded(seed + run)
      const bytes = Uint8Array.from(packed[run % packed.length] ?? [])
      for (let n = 0; n < 1 + random() * 6; n++) {
        const at = Math.floor((random() < 0.5 ? random() ** 3 : random()) * bytes.length)
        bytes[at] = random() * 256
      }
      const cpu = new CpuTime()
      let yielded = 0
      try {
        decoder.run(bytesSource(bytes), 0, bytes.length, raw.length, piece => {
          yielded += piece.length
          return yielded <= raw.length
        })
        whole += 1
      } catch (thrown) {
        if (!(thrown instanceof Damage)) throw thrown
      }
      if (cpu.exceeds(500)) t.fail(`seed ${seed + run}: ${cpu.ms} ms`)
      if (yielded > raw.length + 128 * 1024) t.fail(`seed ${seed + run}: ${yielded} bytes`)
    }
    t.ok(whole < 3000, 'most damage is seen')
  },
)

/** Sequence tables of one symbol each: a literal length and a match length of 65,536 and more, and no bits to choose them. */
function greedyBlock(): Uint8Array {
  const sequences = 30_000
  const bits = 16 + 16
  const body = Buffer.alloc(Math.ceil((sequences * bits + 1) / 8), 0xff)
  body[body.length - 1] = 1
  const head = Buffer.from([0, 0xff, (sequences - 0x7f00) & 0xff, (sequences - 0x7f00) >> 8, 0x54, 35, 0, 52])
  const block = Buffer.concat([head, body.subarray(0, 130_000 - head.length), Buffer.from([1])])
  const size = Buffer.alloc(3)
  size.writeUIntLE((block.length << 3) | 4 | 1, 0, 3)
  return new Uint8Array(Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]), size, block]))
}

t.test('sequences that ask for gigabytes are refused at the first one', async t => {
  const cpu = new CpuTime()
  t.match(refusal(new ZstdDecoder(), greedyBlock(), 2 ** 24), /more literals than it has|more than 131072/)
  t.notOk(cpu.exceeds(200), `${cpu.ms} ms`)
})

t.test('a real sequence decodes as another decoder does', async t => {
  const raw = lights(77, 400_000)
  const packed = zstdFrame(
    Array.from({ length: 8 }, (_, index) => raw.subarray(index * 50_000, (index + 1) * 50_000)),
  )
  t.equal(Buffer.compare(expand(new ZstdDecoder(), packed, raw.length), Buffer.from(decompress(packed))), 0)
})

t.test(
  'what zlib has compressed comes out the same, whatever its level, strategy, memory and window',
  async t => {
    const decoder = new InflateDecoder()
    fc.assert(
      fc.property(
        fc.record({
          size: fc.oneof(fc.nat(600), fc.nat(300_000)),
          seed: fc.nat(10_000),
          level: fc.integer({ min: 0, max: 9 }),
          strategy: fc.integer({ min: 0, max: 4 }),
          memLevel: fc.integer({ min: 1, max: 9 }),
          windowBits: fc.integer({ min: 9, max: 15 }),
        }),
        ({ size, seed, ...how }) => {
          const raw = lights(seed, size)
          return Buffer.compare(expand(decoder, new Uint8Array(deflateSync(raw, how)), size), raw) === 0
        },
      ),
      { numRuns: 150 },
    )
    t.pass()
  },
)

t.test('damaged zlib is refused by its check sum at the latest', async t => {
  const decoder = new InflateDecoder()
  const raw = lights(9, 60_000)
  const packed = [1, 6, 9].map(level => new Uint8Array(deflateSync(raw, { level })))
  const seed = 815
  for (let run = 0; run < 2000; run++) {
    const random = seeded(seed + run)
    const bytes = Uint8Array.from(packed[run % packed.length] ?? [])
    const at = 2 + Math.floor(random() * (bytes.length - 2))
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (random() * 8))
    let yielded = 0
    try {
      decoder.run(bytesSource(bytes), 0, bytes.length, raw.length, piece => {
        yielded += piece.length
        return yielded <= raw.length
      })
      if (yielded <= raw.length) t.fail(`seed ${seed + run}: damage at ${at} was not seen`)
    } catch (thrown) {
      if (!(thrown instanceof Damage)) throw thrown
    }
  }
  const [one = new Uint8Array(0)] = packed
  for (let cut = 1; cut < one.length; cut += 499)
    t.not(refusal(decoder, one.subarray(0, -cut), raw.length), '', `${cut} bytes less`)
  t.match(refusal(decoder, Uint8Array.from([0x78, 0x9d, 1, 2]), 10), /no zlib stream/)
  t.match(refusal(decoder, Uint8Array.from([0x78, 0xbb, 1, 2, 3, 4]), 10), /dictionary/)
})
