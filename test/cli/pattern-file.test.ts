import { execFileSync } from 'node:child_process'
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { openPatternFile, readingFrom, withCandidates } from '../../src/cli/open-pattern.ts'
import { PatternFile } from '../../src/cli/pattern-file.ts'
import { fseqFile } from '../pattern/formats/fseq-files.ts'
import { ownPath } from '../pattern/pattern-files.ts'

t.test('any piece of a file on disk is what the file holds there', async t => {
  const bytes = Uint8Array.from({ length: 400_000 }, (_, at) => (at * 7) ^ (at >> 9))
  const path = join(t.testdir(), 'file')
  writeFileSync(path, bytes)
  const file = await PatternFile.open(path)
  t.teardown(() => file.close())
  t.equal(file.sizeBytes, bytes.length)
  const length = fc.oneof(fc.nat(40), fc.nat(70_000), fc.nat(500_000))
  await fc.assert(
    fc.property(fc.nat(420_000), length, (offset, count) => {
      const read = file.read(offset, count)
      return Buffer.compare(read, bytes.subarray(offset, offset + count)) === 0
    }),
    { numRuns: 500 },
  )
  t.equal(file.read(0, 400_000), file.read(0, 400_000), 'importers that take the whole file share it')
})

t.test('what is no file, or no longer whole, is an error with what to do', async t => {
  const folder = t.testdir({ short: 'x'.repeat(200_000), empty: '' })
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const [path, code, message] of [
    [pipe, 'file_invalid', /no regular file/],
    [folder, 'file_invalid', /a folder/],
    ['/dev/zero', 'file_invalid', /no regular file/],
    [join(folder, 'absent'), 'file_missing', /does not exist/],
    [join(folder, 'short', 'x'), 'file_missing', /does not exist/],
    [join(folder, 'empty'), 'file_invalid', /empty/],
  ] as const)
    await t.rejects(
      withCandidates(path, {}, () => 0),
      { code, message },
    )
  const file = await PatternFile.open(join(folder, 'short'))
  truncateSync(join(folder, 'short'), 100)
  t.equal(file.read(0, 200_000).length, 100)
  t.equal(file.read(150_000, 10).length, 0)
  await file.close()
  t.throws(() => file.read(1, 150_000), { code: 'file_missing', message: /cannot be read/ })
})

t.test('a large file is opened without being read, and only the wanted part of it is', async t => {
  const path = join(t.testdir(), 'show.fseq')
  const head = fseqFile({ channels: 1_000_000, frames: [] })
  new DataView(head.buffer).setUint32(14, 1000, true)
  writeFileSync(path, head)
  // A hole in the file: a thousand million bytes that take no place on the disk.
  truncateSync(path, head.length + 1_000_000_000 - 6)
  appendFileSync(path, Uint8Array.of(9, 8, 7, 6, 5, 4))
  const before = process.memoryUsage().rss
  const leds = await withCandidates(path, {}, candidates => candidates.map(candidate => candidate.leds))
  t.same(leds, [333_333, 250_000, 1_000_000])
  const last = await openPatternFile(path, { channels: '999995-1000000', frames: '1000-1000' })
  t.same([...(last.frames[0]?.pixels ?? [])], [9, 8, 7, 6, 5, 4])
  const all = await openPatternFile(path, { channels: '999995+6' })
  t.equal(all.frames.length, 1000)
  t.ok(process.memoryUsage().rss - before < 64 * 2 ** 20)
  await t.rejects(openPatternFile(path, {}), {
    code: 'file_too_large',
    message: /1,000,000 channels × 1,000 frames.*--channels 1-300/,
  })
})

t.test('a pattern stays good when its file is closed; frames of any format can be cut out', async t => {
  const options = { candidate: '0', frames: '10-12', 'source-wiring': 'row-straight-tl', leds: '256' }
  const reading = readingFrom(options)
  t.match(reading, {
    candidate: 0,
    frames: '10-12',
    sourceWiring: 'row-straight-tl',
    leds: 256,
    channels: undefined,
  })
  const whole = await openPatternFile(ownPath('lantern.leds'), {})
  const part = await openPatternFile(ownPath('lantern.leds'), reading)
  t.same(part.frames, whole.frames.slice(9, 12))
  await t.rejects(openPatternFile(ownPath('lantern.leds'), { frames: '240-241' }), {
    code: 'usage',
    message: /has 240/,
  })
  await t.rejects(openPatternFile(ownPath('comet.gif'), { channels: '1-3' }), { code: 'usage' })
  await t.rejects(openPatternFile(ownPath('comet.gif'), { frames: 'all' }), { code: 'usage' })
})
