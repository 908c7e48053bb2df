import fc from 'fast-check'
import t from 'tap'
import { bombs } from './fuzz/bombs.ts'
import { corpus } from './fuzz/corpus.ts'
import { mutantOf } from './fuzz/mutant.ts'
import { ordeal } from './fuzz/ordeal.ts'
import { withoutSamples } from './pattern-files.ts'

const seed = Number(process.argv[2] ?? 20_261)
const mutants = 500
const files = corpus()
const families = [...new Set(files.map(({ family }) => family))]

if (withoutSamples !== false) t.comment(`only files of the project's own are damaged: ${withoutSamples}`)

for (const family of families)
  t.test(`${mutants} damaged files of the kind ${family} are read or refused as promised`, async t => {
    const own = files.filter(file => file.family === family)
    for (let run = 0; run < mutants; run++) {
      const { name, bytes, limits } = mutantOf(own, seed + run)
      const problem = ordeal(bytes, name, limits)
      if (problem !== undefined) t.fail(`${name}, seed ${seed + run} of ${family}: ${problem}`)
    }
    t.pass(`seed ${seed}`)
  })

t.test('small files that promise huge ones are read or refused as promised', async t => {
  for (const { name, bytes } of bombs()) t.equal(ordeal(bytes, name), undefined, name)
})

t.test('arbitrary bytes behind every kind of beginning are read or refused', async () => {
  const starts = [
    '',
    'GIF89a',
    '\x89PNG\r\n\x1a\n',
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
    '{"seg":',
    '\xc9\xda\x00\x03',
    '\x9c\xda\x00\x03',
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
