import fc from 'fast-check'
import t from 'tap'
import { chooseCandidate } from '../../src/pattern/choose.ts'
import { detectPattern } from '../../src/pattern/detect.ts'
import { exporters } from '../../src/pattern/export/exporters.ts'
import { commonLedCounts } from '../../src/pattern/import/common-led-counts.ts'
import { defaultLimits } from '../../src/pattern/limits.ts'
import { openBest, ownSample, seeded, sharedSample, u16le, value, withoutSamples } from './pattern-files.ts'

/** Reads whatever it is given; returns what is wrong with how it went. */
function ordeal(bytes: Uint8Array, fileName: string): string | undefined {
  // Of this process alone: what else the machine does is not the file's fault.
  const before = process.cpuUsage()
  const detected = detectPattern(bytes, { fileName })
  if (detected.ok) {
    if (detected.value.length === 0 || detected.value.length > commonLedCounts.size + 4)
      return `${detected.value.length} candidates`
    for (const candidate of detected.value.slice(0, 2)) {
      const opened = candidate.open()
      if (!opened.ok) continue
      const { frames, leds } = opened.value
      if (frames.length * leds * 3 > defaultLimits.maxBytes) return 'more than the limit'
      if (frames.length !== candidate.frames || leds !== candidate.leds) return 'not what the candidate said'
    }
    chooseCandidate(detected.value)
  } else if (detected.fault.message.length < 10 || detected.fault.message.length > 400)
    return `message: ${detected.fault.message}`
  const { user, system } = process.cpuUsage(before)
  const elapsedMs = (user + system) / 1000
  return elapsedMs > 1000 ? `${elapsedMs} ms` : undefined
}

/** A damaged copy: bits flipped, bytes replaced, a piece cut out, doubled or moved, or the end missing. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const out = Uint8Array.from(bytes)
  const at = (near: number) => Math.floor((random() < 0.4 ? random() ** 4 : random()) * near)
  const kind = Math.floor(random() * 5)
  if (kind === 0) for (let n = 0; n < 1 + random() * 20; n++) out[at(out.length)] = random() * 256
  if (kind === 1)
    for (let n = 0; n < 1 + random() * 8; n++)
      out[at(out.length)] = (out[at(out.length)] ?? 0) ^ (1 << (random() * 8))
  if (kind === 2) return out.subarray(0, at(out.length))
  const from = at(out.length)
  const length = Math.floor(random() ** 3 * (out.length - from))
  if (kind === 3) return new Uint8Array(Buffer.concat([out.subarray(0, from), out.subarray(from + length)]))
  if (kind === 4) out.copyWithin(at(out.length), from, from + length)
  return out
}

const std = Uint8Array.from([
  ...u16le(20, 30),
  ...Array.from({ length: 30 }, (_, f) => [...u16le(40), ...Array<number>(60).fill(f)]).flat(),
])

t.test('damaged files of every format that is written are read or refused; nothing throws', async t => {
  const seed = Number(process.argv[2] ?? 20_262)
  const drawn = openBest(ownSample('lantern.leds'))
  const files = exporters.map(exporter => {
    const written = value(exporter.write({ ...drawn, frames: drawn.frames.slice(0, 12) }, {}))
    return [`x${exporter.extensions[0]}`, written.bytes] as const
  })
  for (let run = 0; run < 300; run++) {
    const [name, bytes] = files[run % files.length] ?? ['', new Uint8Array()]
    const problem = ordeal(mutate(bytes, seeded(seed + run)), name)
    if (problem !== undefined) t.fail(`${name}, seed ${seed + run}: ${problem}`)
  }
  t.pass(`seed ${seed}`)
})

t.test(
  '500 damaged samples are read or refused in less than a second each; nothing throws',
  { skip: withoutSamples },
  async t => {
    const seed = Number(process.argv[2] ?? 20_261)
    const samples = [
      ...[
        'leds/12x6-134.leds',
        'leds/12x6-134.export.dat',
        'gif/flame-103frames.gif',
        'gif/hostile-icc-extension.gif',
        'fseq/uncompressed-16ch.fseq',
      ].map(name => [name, sharedSample(name)] as const),
      ...['comet.gif', 'lantern.leds'].map(name => [name, ownSample(name)] as const),
      ['std.bin', std] as const,
    ]
    for (let run = 0; run < 500; run++) {
      const [name, bytes] = samples[run % samples.length] ?? ['', new Uint8Array()]
      const problem = ordeal(mutate(bytes, seeded(seed + run)), name)
      if (problem !== undefined) t.fail(`${name}, seed ${seed + run}: ${problem}`)
    }
    t.pass(`seed ${seed}`)
  },
)

t.test('arbitrary bytes behind every kind of beginning are read or refused', async () => {
  const starts = [
    '',
    'GIF89a',
    'LEDM',
    '{anim4\nw:2\nh:1\nr:',
    '{header\n',
    '\x01',
    '\x02\0\x03\0',
    '\x04\0\x04\0\x02\0',
    'PSEQ',
    'PSEQ\x20\0\0\x02\x20\0\x03\0\0\0',
    'ESEQ',
    'PXG1\x01\x01',
    ':10',
  ]
  const input = fc.tuple(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 3000 }))
  fc.assert(
    fc.property(input, ([start, rest]) => {
      const problem = ordeal(new Uint8Array(Buffer.concat([Buffer.from(start, 'latin1'), rest])), 'x.bin')
      if (problem !== undefined) throw new Error(problem)
    }),
    { numRuns: 500 },
  )
})

t.test('large files of one byte are settled quickly', async t => {
  for (const byte of [0, 1, 10, 32, 35, 123, 255])
    for (const size of [3 * 2 ** 23, 3 * 5 * 7 * 9 * 11 * 13 * 16 * 20, 10 ** 7])
      t.equal(ordeal(new Uint8Array(size).fill(byte), 'x.bin'), undefined, `${size} bytes of ${byte}`)
})
