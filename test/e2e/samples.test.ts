import t from 'tap'
import type { CandidateView } from '../../src/wire/pattern.ts'
import { sharedPath, withoutSamples } from '../pattern/pattern-files.ts'
import { workplace } from '../support/pixelgate.ts'

/** What is in each file, told by the tools that made it; `among`: nothing in the file says so, one of the readings must. */
const samples: readonly (readonly [file: string, truth: Partial<CandidateView>, among?: boolean])[] = [
  ['leds/15x6-369.leds', { format: 'leds', width: 15, height: 6, leds: 90, frames: 369 }],
  ['leds/12x6-134.leds', { format: 'leds', width: 12, height: 6, leds: 72, frames: 134 }],
  ['leds/15x6-369.export.bin', { leds: 90, frames: 369 }, true],
  ['leds/12x6-134.export.dat', { leds: 72, frames: 134 }, true],
  ['bin/75led-698-headerless.bin', { leds: 75, frames: 698 }, true],
  ['bin/50led-3160-headerless.bin', { leds: 50, frames: 3160 }, true],
  ['fseq/tree-zstd.fseq', { channels: 30_092, frames: 1200 }],
  ['fseq/word-123blocks.fseq', { format: 'fseq' }],
  ['fseq/media-header-246MB.fseq', { format: 'fseq' }],
  ['fseq/uncompressed-16ch.fseq', { channels: 16, frames: 10_435 }],
  ['jinx/Balls.out', { leds: 256, frames: 138 }],
  ['jinx/Mill.out', { leds: 256, frames: 218 }],
  ['jinx/Stars.out', { leds: 256, frames: 117 }],
  ['gif/flame-103frames.gif', { format: 'gif', frames: 103 }],
  ['gif/hostile-icc-extension.gif', { format: 'gif' }],
]

t.test(
  'inspect tells of every sample what is in it, the best reading first',
  { skip: withoutSamples },
  async t => {
    const place = await workplace(t)
    for (const [file, truth, among = false] of samples) {
      const { last, status } = await place.here('pattern', 'inspect', sharedPath(file), '--json')
      t.equal(status, 0, file)
      const readings = (last['candidates'] ?? []) as readonly CandidateView[]
      t.same(
        readings.map(each => each.index),
        readings.map((_, index) => index),
        file,
      )
      const shown = among ? readings.filter(each => each.leds === truth.leds) : readings.slice(0, 1)
      t.match(shown, [truth], file)
      for (const { reason, confidence } of readings) {
        t.ok(reason.length > 10, `${file}: ${reason}`)
        t.ok(confidence >= 0 && confidence <= 1, file)
      }
    }
  },
)
