import t from 'tap'
import { chooseCandidate } from '../../src/pattern/choose.ts'
import { detectPattern } from '../../src/pattern/detect.ts'
import { commonLedCounts } from '../../src/pattern/import/common-led-counts.ts'
import { defaultLimits } from '../../src/pattern/limits.ts'
import { toStripOrder, type Wiring, wiringMap } from '../../src/pattern/wiring.ts'
import { CpuTime } from '../support/cpu-time.ts'
import {
  detect,
  fault,
  openBest,
  ownSample,
  seeded,
  sharedSample,
  value,
  withoutSamples,
} from './pattern-files.ts'

const rankOf = (bytes: Uint8Array, leds: number): number =>
  detect(bytes).findIndex(candidate => candidate.leds === leds)

t.test(
  'real raw files: the true number of LEDs is ranked first, and never chosen without asking',
  { skip: withoutSamples },
  async t => {
    for (const [name, leds, frames] of [
      ['bin/75led-698-headerless.bin', 75, 698],
      ['bin/50led-3160-headerless.bin', 50, 3160],
      ['leds/15x6-369.export.bin', 90, 369],
      ['leds/12x6-134.export.dat', 72, 134],
    ] as const) {
      const cpu = new CpuTime()
      const candidates = detect(sharedSample(name), { fileName: name })
      t.notOk(cpu.exceeds(1000), `${name} in less than a second`)
      t.match(candidates[0], {
        format: 'raw',
        width: null,
        height: null,
        leds,
        frames,
        durationMs: null,
        selfDescribing: false,
      })
      t.ok(candidates.length <= 24)
      t.ok(candidates.every(({ confidence }) => confidence >= 0 && confidence <= 0.6))
      t.match(fault(chooseCandidate(candidates)), { kind: 'ambiguous' })
      t.equal(value(value(chooseCandidate(candidates, 0)).open()).frames.length, frames)
    }
  },
)

t.test('other recordings without their frame marks are recognised too', { skip: withoutSamples }, async t => {
  for (const name of ['Balls', 'Mill', 'Stars']) {
    const bytes = sharedSample(`jinx/${name}.out`)
    const frames = Array.from({ length: bytes.length / 769 }, (_, at) =>
      bytes.subarray(at * 769 + 1, (at + 1) * 769),
    )
    t.equal(rankOf(new Uint8Array(Buffer.concat(frames)), 256), 0, name)
  }
})

t.test('an export of the samples in any wiring is ranked first', async t => {
  for (const name of ['lantern.leds', 'comet.gif']) {
    const { frames } = openBest(ownSample(name))
    for (const wiring of [
      'row-serpentine-tl',
      'column-serpentine-bl',
      'column-straight-br',
    ] as const satisfies readonly Wiring[]) {
      const map = wiringMap(16, 16, wiring)
      const bytes = new Uint8Array(Buffer.concat(frames.map(frame => toStripOrder(frame.pixels, map))))
      t.equal(rankOf(bytes, 256), 0, `${name} ${wiring}`)
    }
  }
})

t.test('a common number of LEDs is always among the readings, whatever the bytes are', async t => {
  const random = seeded(11)
  for (const leds of commonLedCounts.keys()) {
    for (const frames of [1, 7, 60]) {
      const size = leds * frames * 3
      if (size > 60_000) continue
      const bytes = new Uint8Array(size).map(() => random() * 256)
      const rank = rankOf(bytes, leds)
      t.ok(rank >= 0, `${leds} × ${frames}`)
    }
  }
  t.ok(
    detect(new Uint8Array(2 ** 4 * 3600 * 300)).length <= commonLedCounts.size + 4,
    'and the list stays short',
  )
})

t.test('given LEDs, or a width and a height, settle the reading', async t => {
  const bytes = new Uint8Array(90 * 3 * 4).fill(7)
  const [only, ...others] = detect(bytes, { leds: 45 })
  t.match(only, { leds: 45, frames: 8, reason: /was given/ })
  t.equal(others.length, 0)
  t.match(openBest(bytes, { width: 15, height: 6, defaultDelayMs: 120 }), {
    width: 15,
    height: 6,
    frames: [{ delayMs: 120 }],
  })
  t.match(fault(detectPattern(bytes, { leds: 77 })), {
    kind: 'invalid',
    message: /231 bytes each\): 156 are left over/,
    offset: 924,
  })
  t.match(fault(detectPattern(bytes, { leds: 0 })), { kind: 'bad_request' })
  t.match(fault(detectPattern(bytes, { leds: 90, width: 9, height: 9 })), {
    kind: 'bad_request',
    message: /9×9/,
  })
  t.match(fault(detectPattern(bytes, { leds: 90 }, { ...defaultLimits, maxFrames: 3 })), {
    kind: 'too_large',
  })
})

t.test('bytes that are no pixels, too many pixels, or divide into nothing are refused', async t => {
  t.match(fault(detectPattern(new Uint8Array(100))), {
    kind: 'invalid',
    offset: 99,
    message: /no whole number of RGB pixels/,
  })
  t.match(fault(detectPattern(new Uint8Array(300), {}, { ...defaultLimits, maxBytes: 200 })), {
    kind: 'too_large',
  })
  t.match(fault(detectPattern(new Uint8Array(3 * 20011))), { kind: 'invalid', message: /say how many LEDs/ })
  t.match(
    value(chooseCandidate(detect(new Uint8Array(3)))),
    { leds: 1, frames: 1 },
    'a single reading needs no choice',
  )
})
