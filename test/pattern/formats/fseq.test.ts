import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { decompress } from 'fzstd'
import t from 'tap'
import { bytesSource } from '../../../src/pattern/byte-source.ts'
import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { exporters } from '../../../src/pattern/export/exporters.ts'
import { fseqExporter, plainFseqExporter } from '../../../src/pattern/export/fseq.ts'
import { defaultLimits } from '../../../src/pattern/limits.ts'
import { openPart } from '../../../src/pattern/open-part.ts'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { describeRange, parseRange } from '../../../src/pattern/range.ts'
import { CpuTime } from '../../support/cpu-time.ts'
import {
  detect,
  fault,
  openBest,
  seeded,
  sharedPath,
  sharedSample,
  value,
  withoutSamples,
} from '../pattern-files.ts'
import { type FseqParts, fseqFile, skippableFrame, zstdFrame } from './fseq-files.ts'

const range = (first: number, count: number) => ({ first, count })
const same = (a: Uint8Array | undefined, b: Uint8Array) => Buffer.compare(a ?? new Uint8Array(0), b) === 0
const reading = (bytes: Uint8Array, index = 0) => {
  const candidate = detect(bytes)[index]
  if (candidate === undefined) throw new Error('no candidate')
  return candidate
}
/** Frames whose every channel is known. */
const counting = (frames: number, channels: number): readonly Uint8Array[] =>
  Array.from({ length: frames }, (_, frame) =>
    Uint8Array.from({ length: channels }, (_, channel) => frame * 31 + channel * 7 + (channel >> 3)),
  )

t.test(
  'the real sequences say what they are, and no choice is demanded',
  { skip: withoutSamples },
  async t => {
    for (const [name, channels, frames, durationMs, leds] of [
      ['tree-zstd', 30_092, 1200, 30_000, 10_030],
      ['word-123blocks', 30_092, 1200, 30_000, 10_030],
      ['media-header-246MB', 30_092, 8181, 204_525, 10_030],
      ['uncompressed-16ch', 16, 10_435, 208_700, 16],
    ] as const) {
      const candidates = detect(sharedSample(`fseq/${name}.fseq`), { fileName: `${name}.fseq` })
      t.equal(candidates.length, 3, 'RGB, RGBW and single lights')
      t.ok(candidates.every(candidate => candidate.channels === channels && candidate.frames === frames))
      t.match(value(chooseCandidate(candidates)), { format: 'fseq', leds, durationMs, width: null }, name)
    }
    t.match(
      detect(sharedSample('fseq/media-header-246MB.fseq'))[0]?.reason,
      /for Thats Christmas.*\.mp3; made by xLights/,
    )
  },
)

t.test(
  'every channel of every frame of the real sequences is what another decoder finds',
  { skip: withoutSamples },
  async t => {
    for (const [name, part] of [
      ['tree-zstd', undefined],
      ['word-123blocks', undefined],
      ['media-header-246MB', range(0, 300)],
      ['media-header-246MB', range(17_000, 3000)],
    ] as const) {
      const bytes = sharedSample(`fseq/${name}.fseq`)
      const view = new DataView(bytes.buffer)
      const pattern = openBest(bytes, {}, { channels: part })
      const { first, count } = part ?? range(0, 30_090)
      let at = view.getUint16(4, true)
      let frame = 0
      let wrong = 0
      for (let block = 0; block < (bytes[21] ?? 0); block++) {
        const length = view.getUint32(36 + block * 8, true)
        if (length === 0) continue
        const frames = decompress(bytes.subarray(at, at + length))
        for (let from = 0; from < frames.length; from += 30_092, frame++)
          if (!same(pattern.frames[frame]?.pixels, frames.subarray(from + first, from + first + count)))
            wrong++
        at += length
      }
      t.same([frame, wrong], [pattern.frames.length, 0], name)
    }
    const bytes = sharedSample('fseq/uncompressed-16ch.fseq')
    const lights = openBest(bytes)
    t.ok(
      lights.frames.every(({ pixels }, frame) =>
        pixels.every((shown, at) => shown === bytes[136 + frame * 16 + Math.floor(at / 3)]),
      ),
      'a single light is shown as white of its brightness',
    )
  },
)

/** Compresses as zstd would: several frames in a block, with runs and pieces to pass over among them. */
function packZstd(bytes: Uint8Array): Uint8Array {
  const half = bytes.length >> 1
  return new Uint8Array(
    Buffer.concat([
      zstdFrame([bytes.subarray(0, half)]),
      skippableFrame(5),
      zstdFrame([bytes.subarray(half)]),
    ]),
  )
}

t.test(
  'any layout that xLights writes gives its frames back: versions, compressions, blocks, sparse ranges, parts',
  async () => {
    const layout = fc.record({
      channels: fc.integer({ min: 1, max: 700 }),
      frameCount: fc.integer({ min: 1, max: 60 }),
      major: fc.constantFrom(1, 2),
      compression: fc.constantFrom(0, 1, 2),
      blockFrames: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 9 }),
      emptyBlocks: fc.nat(5),
      notes: fc.subarray([
        ['mf', 'C:\\show\\song.mp3'],
        ['sp', 'xLights'],
        ['ED', 'whatever'],
      ] as const),
      sparse: fc.boolean(),
      part: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    })
    fc.assert(
      fc.property(layout, ({ channels, frameCount, major, part: [share, size], ...rest }) => {
        const frames = counting(frameCount, channels)
        const half = channels >> 1
        const sparse =
          major === 2 && rest.sparse && half > 0
            ? ([
                [5000, half],
                [100, channels - half],
              ] as const)
            : []
        const compression = (major === 1 ? 0 : rest.compression) as 0 | 1 | 2
        const file = fseqFile({
          ...rest,
          major,
          channels,
          frames,
          compression,
          sparse,
          ...(compression === 1 && { pack: packZstd }),
        })
        const single = detect(file).find(({ leds }) => leds === channels)
        if (single === undefined) throw new Error('no reading as single lights')
        const whole = value(single.open())
        if (whole.frames.length !== frameCount) throw new Error(`${whole.frames.length} frames`)
        const gray = (pattern: Pattern, frame: number) =>
          Uint8Array.from(
            { length: pattern.leds },
            (_, led) => pattern.frames[frame]?.pixels[led * 3 + 1] ?? 0,
          )
        for (const [index, frame] of frames.entries())
          if (!same(gray(whole, index), frame)) throw new Error(`frame ${index} differs`)
        const from = Math.floor(share * (channels - 1))
        const count = 1 + Math.floor(size * (channels - from - 1))
        const firstFrame = Math.floor(size * (frameCount - 1))
        // The ranges of the show: the second half of the file comes first.
        const shown = sparse.length === 0 ? from : from < half ? 5000 + from : 100 + from - half
        const fits = sparse.length === 0 ? count : from < half ? Math.min(count, half - from) : count
        const cut = value(
          openPart(single, {
            channels: range(shown, fits),
            frames: range(firstFrame, frameCount - firstFrame),
          }),
        )
        for (let index = firstFrame; index < frameCount; index++)
          if (
            !same(
              gray(cut, index - firstFrame),
              frames[index]?.subarray(from, from + fits) ?? new Uint8Array(0),
            )
          )
            throw new Error(`frame ${index} of the part differs`)
      }),
      { numRuns: 300 },
    )
  },
)

t.test(
  'the number of channels says what makes an LED; the choice is clear for shows, controllers and parts',
  async t => {
    const best = (channels: number, part?: ReturnType<typeof range>) => {
      const file = fseqFile({ channels, frames: [new Uint8Array(channels)] })
      const { leds, reason } = value(chooseCandidate(detect(file, { channels: part })))
      return [leds, /RGBW|RGB|one colour/.exec(reason)?.[0]]
    }
    t.same(best(300), [100, 'RGB'])
    t.same(best(12), [4, 'RGB'])
    t.same(best(16), [16, 'one colour'])
    t.same(best(1), [1, 'one colour'])
    t.same(best(512), [170, 'RGB'])
    t.same(best(30_092), [10_030, 'RGB'])
    t.same(best(1000, range(0, 300)), [100, 'RGB'])
    t.same(best(1000, range(0, 1000)), [333, 'RGB'], 'all of it is no part')
    const wide = fseqFile({ channels: 1000, frames: [new Uint8Array(1000)] })
    const asked = detect(wide, { channels: range(3, 512) })
    t.match(
      fault(chooseCandidate(asked)),
      { kind: 'ambiguous' },
      'a universe may be 128 RGBW, 170 RGB or 512 lights',
    )
    t.same(
      asked.map(({ leds }) => leds),
      [128, 512, 170],
    )
    t.equal(value(openPart(asked[2] ?? reading(wide), { channels: range(3, 512) })).leds, 170)
    t.same(best(1000, range(3, 7)), [7, 'one colour'])
    const file = fseqFile({ channels: 8, frames: [Uint8Array.from([1, 2, 3, 100, 200, 0, 0, 100])] })
    t.same([...(value(reading(file, 1).open()).frames[0]?.pixels ?? [])], [101, 102, 103, 255, 100, 100])
    t.match(detect(fseqFile({ channels: 12, frames: [new Uint8Array(12)] }), { width: 2, height: 2 })[0], {
      width: 2,
      height: 2,
    })
    t.match(fault(detectPattern(file, { leds: 5 })), {
      kind: 'bad_request',
      message: /5 LEDs were asked for/,
    })
  },
)

t.test('effects (ESEQ) are read with their padding, their place and 50 ms', async t => {
  const frames = counting(5, 8)
  const head = Buffer.alloc(20)
  head.write('ESEQ')
  for (const [at, number] of [
    [4, 1],
    [8, 8],
    [12, 301],
    [16, 6],
  ] as const)
    head.writeUInt32LE(number, at)
  const file = new Uint8Array(Buffer.concat([head, ...frames]))
  const candidates = detect(file, { fileName: 'wave.eseq' })
  t.match(candidates[0], { format: 'fseq', leds: 2, channels: 6, frames: 5, durationMs: 250 })
  const pattern = value(value(chooseCandidate(candidates)).open())
  t.match(pattern, { name: 'wave', leds: 2 })
  t.ok(
    pattern.frames.every(
      ({ pixels, delayMs }, at) => delayMs === 50 && same(pixels, frames[at]?.subarray(0, 6) ?? head),
    ),
  )
  t.ok(
    openBest(file, {}, { channels: range(303, 3) }).frames.every(({ pixels }, at) =>
      same(pixels, frames[at]?.subarray(3, 6) ?? head),
    ),
  )
  t.match(fault(detectPattern(file, { channels: range(0, 3) })), { message: /holds the channels 301 to 306/ })
  t.match(fault(detectPattern(file.subarray(0, 25))), { message: /cut short/ })
})

t.test('headers that cannot be right are refused with the place and what to do', async t => {
  const good: FseqParts = { channels: 6, frames: counting(30, 6), compression: 2, blockFrames: [10, 10] }
  const plain: FseqParts = { channels: 6, frames: counting(30, 6) }
  const patched = (parts: FseqParts, patch: Readonly<Record<number, number>>) => {
    const file = fseqFile(parts)
    for (const [at, byte] of Object.entries(patch)) file[Number(at)] = byte
    return file
  }
  for (const [file, kind, offset, message] of [
    [patched(plain, { 7: 3 }), 'unsupported', undefined, /FSEQ 3\.0.*save it as FSEQ V2/],
    [patched(plain, { 6: 3 }), 'unsupported', undefined, /FSEQ 2\.3/],
    [patched(plain, { 20: 3 }), 'unsupported', undefined, /compression 3/],
    [patched(plain, { 4: 31 }), 'invalid', 4, /within the header/],
    [patched(plain, { 10: 0 }), 'invalid', 10, /0 channels/],
    [patched(plain, { 14: 0 }), 'invalid', 14, /0 frames/],
    [patched(plain, { 14: 31 }), 'invalid', 212, /cut short.*218/],
    [patched(plain, { 5: 9 }), 'invalid', 212, /cut short.*data begins at byte 2336/],
    [fseqFile({ ...plain, sparse: [[0, 5]] }), 'invalid', 32, /hold 5 channels, but a frame has 6/],
    [patched(good, { 32: 1 }), 'invalid', 32, /out of order.*first one begins with frame 0/],
    [patched(good, { 40: 0 }), 'invalid', 40, /out of order/],
    [patched(good, { 48: 10 }), 'invalid', 48, /out of order.*begins with frame 10.*before with 10/],
    [patched(good, { 54: 1 }), 'invalid', undefined, /cut short.*block 2 ends/],
    [fseqFile(plain).subarray(0, 20), 'invalid', 20, /cut short/],
    [fseqFile(plain).subarray(0, -1), 'invalid', 211, /cut short/],
    [Uint8Array.from({ length: 60 }, (_, at) => at * 37), 'invalid', 0, /begins with 'PSEQ'/],
  ] as const) {
    const found = fault(detectPattern(file, { fileName: 'a.fseq' }))
    t.match(found, { kind, message, ...(offset !== undefined && { offset }) }, String(message))
  }
  const unfilled = fseqFile({ ...good, blockFrames: [] })
  unfilled.fill(0, 32, 40)
  t.equal(openBest(unfilled).frames.length, 30, 'a table that was never filled in leaves one block')
  t.equal(openBest(patched(plain, { 18: 0 })).frames[0]?.delayMs, 50, 'no step means 50 ms')
  t.equal(openBest(patched(plain, { 18: 0 }), { defaultDelayMs: 20 }).frames[0]?.delayMs, 20)
})

t.test(
  'blocks that hold less, more or something else than promised are refused with their place',
  async t => {
    const frames = counting(30, 6)
    const dataAt = fseqFile({ channels: 6, frames, compression: 2 }).length
    t.ok(dataAt > 0)
    for (const [pack, message] of [
      [(bytes: Uint8Array) => deflateSync(bytes.subarray(1)), /holds (59|119) bytes; (60|120) were promised/],
      [
        (bytes: Uint8Array) => deflateSync(Buffer.concat([bytes, Buffer.alloc(1)])),
        /more than the header promises/,
      ],
      [() => Buffer.from('no zlib'), /no zlib stream/],
      [(bytes: Uint8Array) => deflateSync(bytes).subarray(0, -5), /ends within a stream/],
    ] as const) {
      const first = reading(fseqFile({ channels: 6, frames, compression: 2, pack }))
      t.match(fault(first.open()), {
        kind: 'invalid',
        offset: 48,
        message,
      })
    }
    for (const [pack, message] of [
      [(bytes: Uint8Array) => zstdFrame([bytes, new Uint8Array(1)]), /more than the header promises/],
      [(bytes: Uint8Array) => zstdFrame([bytes.subarray(6)]), /were promised/],
      [() => new Uint8Array(9), /no Zstandard frame/],
    ] as const) {
      const first = reading(fseqFile({ channels: 6, frames, compression: 1, pack }))
      t.match(fault(first.open()), {
        kind: 'invalid',
        offset: 48,
        message,
      })
    }
    const damaged = fseqFile({ channels: 6, frames, compression: 2, blockFrames: [10, 10] })
    damaged.fill(0xff, damaged.length - 30)
    t.match(fault(reading(damaged).open()), {
      message: /block 2 \(frames 20 to 29, zlib\)/,
    })
    t.equal(
      openBest(damaged, {}, { frames: range(0, 20) }).frames.length,
      20,
      'the frames before it can be had',
    )
  },
)

t.test('a part is counted from 1 as in xLights, and a part that is not there is refused', async t => {
  t.same(value(parseRange('1-300', 'channels')), range(0, 300))
  t.same(value(parseRange(' 13771+2400', 'channels')), range(13_770, 2400))
  t.equal(describeRange(range(13_770, 2400)), '13771 to 16170')
  for (const text of ['0-3', '5-4', '1+0', '7', '', '1-', 'a-b', '-1-3', '1.5-3', '1-9999999999', '1,3'])
    t.match(
      fault(parseRange(text, 'frames')),
      { kind: 'bad_request', message: /FIRST-LAST or FIRST\+COUNT/ },
      text,
    )
  const file = fseqFile({ channels: 30, frames: counting(10, 30) })
  const rgb = reading(file)
  t.match(fault(openPart(rgb, { channels: range(28, 3) })), {
    message: /channel 31 of --channels 29-31.*1 to 30/,
  })
  t.match(fault(openPart(rgb, { channels: range(0, 4) })), {
    message: /4 channels make no whole number of RGB LEDs/,
  })
  t.match(fault(openPart(rgb, { frames: range(8, 3) })), { message: /frames 9 to 11.*has 10/ })
  t.match(fault(detectPattern(file, { channels: range(30, 1) })), { kind: 'bad_request' })
  const gif = reading(Buffer.from('R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=', 'base64'))
  t.match(fault(openPart(gif, { channels: range(0, 3) })), {
    message: /this file is gif; leave the option out/,
  })
  t.match(fault(openPart(gif, { frames: range(1, 1) })), { message: /has 1/ })
  t.equal(value(openPart(gif, { frames: range(0, 1) })).frames.length, 1)
})

t.test('what is too large in one piece names the options for a part; nothing of it is read', async t => {
  const head = fseqFile({ channels: 3, frames: [new Uint8Array(3)], compression: 2 })
  head.set([0, 0, 0x10, 0], 10)
  head.set([0, 0, 1, 0], 14)
  let reads = 0
  const source = {
    ...bytesSource(head),
    read: (at: number, length: number) => {
      reads += 1
      return head.subarray(at, at + length)
    },
  }
  const [rgb] = value(detectPattern(source))
  if (rgb === undefined) throw new Error('no candidate')
  reads = 0
  const refused = fault(rgb.open())
  t.match(refused, { kind: 'too_large', message: /--channels 1-300.*counted from 1.*--frames 1-1000/ })
  t.ok(refused.message.length <= 400)
  t.match(fault(rgb.open({ channels: range(0, 3) })), {
    message: /expanded for these frames.*--frames/,
  })
  t.equal(reads, 0)
  const [few] = value(
    detectPattern(fseqFile({ channels: 3, frames: counting(6, 3) }), {}, { ...defaultLimits, maxFrames: 5 }),
  )
  t.match(few?.open(), { ok: false, fault: { kind: 'too_large' } })
})

t.test('what is written is read again: every LED at every moment', async t => {
  const pattern = fc
    .record({
      leds: fc.integer({ min: 1, max: 60 }),
      seed: fc.nat(1000),
      unit: fc.constantFrom(1, 10, 25, 33, 50, 300),
    })
    .chain(({ leds, seed, unit }) =>
      fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 40 }).map(times => {
        const random = seeded(seed)
        return {
          name: 'x',
          width: leds,
          height: 1,
          leds,
          channels: 3 as const,
          loopCount: 0,
          frames: times.map(time => ({
            delayMs: time * unit,
            pixels: Uint8Array.from({ length: leds * 3 }, () => (random() < 0.4 ? 0 : random() * 256)),
          })),
        }
      }),
    )
  const timeline = ({ frames }: Pattern) => {
    let endMs = 0
    const parts: { endMs: number; pixels: Uint8Array }[] = []
    for (const { delayMs, pixels } of frames) {
      endMs += delayMs
      const last = parts.at(-1)
      if (last !== undefined && same(last.pixels, pixels)) last.endMs = endMs
      else parts.push({ endMs, pixels: Uint8Array.from(pixels) })
    }
    return parts
  }
  for (const { write } of [fseqExporter, plainFseqExporter])
    fc.assert(
      fc.property(pattern, drawn => {
        const back = openBest(value(write(drawn, {})).bytes, { fileName: 'x.fseq' })
        t.strictSame(timeline(back), timeline(drawn))
      }),
      { numRuns: 100 },
    )
})

t.test('a written file is laid out as players expect it, the same each time', async t => {
  const frames = counting(200, 900).map(pixels => ({ delayMs: 40, pixels }))
  const pattern = { name: 'x', width: 30, height: 10, leds: 300, channels: 3 as const, loopCount: 0, frames }
  const file = value(fseqExporter.write(pattern, {})).bytes
  t.ok(same(file, value(fseqExporter.write(pattern, {})).bytes))
  t.equal(
    exporters.find(({ extensions }) => extensions.includes('.fseq')),
    fseqExporter,
  )
  const view = new DataView(file.buffer)
  t.equal(view.getUint16(4, true) % 4, 0)
  t.same(
    [file[6], file[7], file[18], file[20], view.getUint32(10, true), view.getUint32(14, true)],
    [0, 2, 40, 2, 900, 200],
  )
  t.same([view.getUint32(32, true), view.getUint32(40, true)], [0, 10], 'the first block has ten frames')
  t.match(detect(file)[0], { leds: 300, frames: 200, reason: /zlib.*made by pixelgate/ })
  const turned = Uint32Array.from({ length: 300 }, (_, led) => 299 - led)
  const mapped = openBest(value(fseqExporter.write(pattern, { map: turned })).bytes)
  t.same([...(mapped.frames[7]?.pixels.subarray(0, 3) ?? [])], [...(frames[7]?.pixels.subarray(897) ?? [])])
  t.match(fault(fseqExporter.write(pattern, { colorOrder: 'GRB' })), { kind: 'bad_request', message: /GRB/ })
  const uneven = { ...pattern, frames: [{ delayMs: 140_003, pixels: frames[0]?.pixels ?? file }, ...frames] }
  t.match(fault(fseqExporter.write(uneven, {})), {
    kind: 'does_not_fit',
    message: /1 ms, which makes 148003 frames/,
  })
  const slow = { ...pattern, frames: [{ delayMs: 2000, pixels: frames[0]?.pixels ?? file }] }
  t.match(openBest(value(plainFseqExporter.write(slow, {})).bytes).frames.length, 8, '8 frames of 250 ms')
})

t.test('writing a real sequence again keeps every channel', { skip: withoutSamples }, async t => {
  const whole = openBest(sharedSample('fseq/word-123blocks.fseq'), {}, { channels: range(6846, 9300) })
  for (const { write } of [fseqExporter, plainFseqExporter]) {
    const back = openBest(value(write(whole, {})).bytes)
    t.ok(
      back.frames.length === 1200 &&
        back.frames.every(({ pixels }, at) => same(whole.frames[at]?.pixels, pixels)),
    )
  }
})

interface Outcome {
  readonly fault?: string
  readonly leds?: number
  readonly frames?: number
  readonly peakMb: number
  readonly cpuMs: number
  /** More than a second of the processor. */
  readonly tooSlow: boolean
}

/** Opens a file in a process of its own. */
function measured(folder: string, file: string, part: object): Outcome {
  const small = join(folder, 'small.fseq')
  writeFileSync(small, fseqFile({ channels: 3, frames: [new Uint8Array(3)] }))
  const child = new URL('./fseq-child.ts', import.meta.url).pathname
  const args = ['--expose-gc', '--import', 'tsx', child, file, JSON.stringify(part), small]
  return JSON.parse(execFileSync(process.execPath, args, { timeout: 60_000, encoding: 'utf8' })) as Outcome
}

t.test(
  '300 channels of a show of 246 MB come out of 35 KB with little memory',
  { skip: withoutSamples },
  async t => {
    const path = sharedPath('fseq/media-header-246MB.fseq')
    const { peakMb, cpuMs, ...result } = measured(t.testdir(), path, { channels: range(0, 300) })
    const speed = (8181 * 30_092) / 1000 / cpuMs
    t.comment(`+${peakMb.toFixed(1)} MB, ${cpuMs.toFixed(0)} ms of CPU, ${speed.toFixed(0)} MB/s expanded`)
    t.match(result, { leds: 100, frames: 8181 })
    t.ok(peakMb < 64)
    t.ok(speed > 60)
  },
)

t.test('bombs are refused with the memory of a small file', async t => {
  const folder = t.testdir()
  const zeros = (megabytes: number) => deflateSync(Buffer.alloc(megabytes * 2 ** 20))
  const runs = zstdFrame(Array.from({ length: 30_000 }, () => ({ byte: 0, count: 131_072 })))
  const bombs = {
    'zstd, 4 GB where 300 bytes were promised': fseqFile({
      channels: 300,
      frames: [new Uint8Array(300)],
      compression: 1,
      pack: () => runs,
    }),
    'zlib, 64 MB where 300 bytes were promised': fseqFile({
      channels: 300,
      frames: [new Uint8Array(300)],
      compression: 2,
      pack: () => zeros(64),
    }),
    'zstd, a window of 2 GB': fseqFile({
      channels: 600_000,
      frames: Array<Uint8Array>(20).fill(new Uint8Array(600_000)),
      compression: 1,
      blockFrames: [],
      pack: () => zstdFrame([{ byte: 1, count: 1000 }], 0xa8),
    }),
  }
  for (const [name, bytes] of Object.entries(bombs)) {
    const path = join(folder, 'bomb.fseq')
    writeFileSync(path, bytes)
    const { fault: refused, peakMb, cpuMs, tooSlow } = measured(folder, path, {})
    t.comment(`${name}: ${bytes.length} bytes, +${peakMb.toFixed(1)} MB, ${cpuMs.toFixed(0)} ms: ${refused}`)
    t.ok(refused !== undefined && peakMb < 32 && !tooSlow, name)
  }
})

t.test('mutants of every sequence are read or refused in time, whole and in part', async t => {
  const seed = Number(process.argv[2] ?? 20_263)
  const runs = Number(process.argv[3] ?? 400)
  const frames = counting(40, 90)
  const files = [
    fseqFile({ channels: 90, frames, compression: 2, blockFrames: [10, 10, 10] }),
    fseqFile({
      channels: 90,
      frames,
      compression: 1,
      pack: packZstd,
      sparse: [
        [5, 60],
        [100, 30],
      ],
    }),
    fseqFile({ channels: 90, frames, major: 1 }),
    ...(withoutSamples === false
      ? readdirSync(sharedPath('fseq/')).map(name => sharedSample(`fseq/${name}`))
      : []),
  ]
  for (let run = 0; run < runs; run++) {
    const random = seeded(seed + run)
    const bytes = Uint8Array.from(files[run % files.length] ?? [])
    const near = random() < 0.5 ? 64 : random() < 0.5 ? 2200 : bytes.length
    for (let n = 0; n < 1 + random() * 5; n++)
      bytes[Math.floor(random() * Math.min(near, bytes.length))] = random() * 256
    const file = random() < 0.1 ? bytes.subarray(0, random() * bytes.length) : bytes
    const cpu = new CpuTime()
    const read = detectPattern(file, { fileName: 'x.fseq' })
    const problems = [read.ok ? '' : read.fault.message]
    for (const candidate of read.ok ? read.value : []) {
      const part = { channels: range(random() * 90, 12), frames: range(random() * 20, 5) }
      for (const options of [{}, part]) {
        const opened = openPart(candidate, options)
        if (!opened.ok) problems.push(opened.fault.message)
        else if (opened.value.frames.length * opened.value.leds * 3 > defaultLimits.maxBytes)
          t.fail('above the cap')
      }
    }
    if (cpu.exceeds(2500)) t.fail(`seed ${seed + run}: ${cpu.ms} ms for six openings`)
    const long = problems.find(text => text.length > 400)
    if (long !== undefined) t.fail(`seed ${seed + run}: ${long}`)
  }
  t.pass(`${runs} from seed ${seed}`)
})
