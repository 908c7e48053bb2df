import { existsSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { exporters } from '../../../src/pattern/export/exporters.ts'
import { detect, sharedPath, sharedSample, withoutSamples } from '../pattern-files.ts'
import { anyPattern, firstReading, written } from './written-files.ts'

/** Recordings and text files that say themselves what they are; DIM within HEX may be STD as well and has its own test. */
const certain = exporters.filter(({ format }) => ['jinx', 'tpm2', 'hex', 'wled'].includes(format))

t.test(
  'a pattern that is written is recognised first, with its LEDs and frames, whatever the file is called',
  async t => {
    t.equal(certain.length, 4)
    for (const exporter of certain)
      fc.assert(
        fc.property(anyPattern, fc.constantFrom('', 'x.bin', 'x.dat', 'x.gif'), (pattern, fileName) => {
          const bytes = written(exporter, pattern)
          const [first] = detect(bytes, { fileName })
          const read = firstReading(bytes)
          if (
            first?.format !== exporter.format ||
            first.leds !== pattern.leds ||
            first.frames < pattern.frames.length
          )
            throw new Error(`${exporter.format} is read as ${first?.format} of ${first?.leds} LEDs`)
          if (first.confidence !== read.confidence) throw new Error('the name changed the reading')
        }),
        { numRuns: 100 },
      )
  },
)

t.test('no sample of one format is taken for another', { skip: withoutSamples }, async t => {
  for (const [name, format] of [
    ['jinx/Balls.out', 'jinx'],
    ['jinx/Mill.out', 'jinx'],
    ['jinx/Stars.out', 'jinx'],
    ['leds/15x6-369.leds', 'leds'],
    ['leds/12x6-134.leds', 'leds'],
    ['leds/15x6-369.export.bin', 'raw'],
    ['leds/12x6-134.export.dat', 'raw'],
    ['bin/75led-698-headerless.bin', 'raw'],
    ['bin/50led-3160-headerless.bin', 'raw'],
    ['gif/flame-103frames.gif', 'gif'],
    ['gif/hostile-icc-extension.gif', 'gif'],
    ['fseq/tree-zstd.fseq', 'fseq'],
    ['fseq/word-123blocks.fseq', 'fseq'],
    ['fseq/media-header-246MB.fseq', 'fseq'],
    ['fseq/uncompressed-16ch.fseq', 'fseq'],
  ] as const) {
    t.ok(existsSync(sharedPath(name)), name)
    for (const fileName of [name, '', 'x.bin', 'x.out', 'x.tpm2', 'x.hex', 'x.json']) {
      const read = detectPattern(sharedSample(name), { fileName })
      const formats = new Set(read.ok ? read.value.map(candidate => candidate.format) : [])
      // Sequences of channels have their own tests; here they must only not become anything else. A name that promises marks or
      // lines is not given to pixels without them.
      const promised = format === 'raw' && /out|tpm2|hex$/.test(fileName) && fileName !== name
      const expected = promised || (format === 'fseq' && !read.ok) ? [] : [format]
      t.same([...formats], expected, `${name} named '${fileName}'`)
    }
  }
})
