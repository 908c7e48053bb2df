import { deflateSync } from 'node:zlib'
import t from 'tap'
import { fileToUpload } from '../../src/cli/file-to-upload.ts'
import { fseqFile } from '../pattern/formats/fseq-files.ts'
import { openBest } from '../pattern/pattern-files.ts'
import { type Event, eventually, startBoard, workplace } from '../support/pixelgate.ts'

/** 900 channels of which no two are alike for long. */
const frames = Array.from({ length: 40 }, (_, frame) =>
  Uint8Array.from({ length: 900 }, (_, channel) => ((channel * 13) ^ (frame * 29)) & 0x7f),
)
const show = fseqFile({ channels: 900, frames, compression: 2, blockFrames: [10, 10], pack: deflateSync })

/** The same LEDs in a format without channels: STD, 64 LEDs. */
function cutByHand(firstChannel: number, firstFrame: number, count: number): Uint8Array {
  const head = Buffer.alloc(4)
  head.writeUInt16LE(64, 0)
  head.writeUInt16LE(count, 2)
  const parts = frames
    .slice(firstFrame, firstFrame + count)
    .flatMap(frame => [Uint8Array.of(25, 0), frame.subarray(firstChannel, firstChannel + 192)])
  return Buffer.concat([head, ...parts])
}

t.test('a part of a sequence reaches a board as if it had been a file of its own', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { leds: '64' })
  const file = await place.file('show.fseq', show)
  const byHand = await place.file('part.bin', cutByHand(300, 20, 15))
  const port = ['--port', board.path, '--json']
  const expected = await place.here('upload', byHand, ...port)
  t.match(expected, { status: 0, last: { event: 'done' } })
  const part = await place.here('upload', file, '--channels', '301-492', '--frames', '21+15', ...port)
  t.match(part, { status: 0, last: { event: 'done', sha256: expected.last['sha256'] } })
  const other = await place.here('upload', file, '--channels', '301+192', ...port)
  t.match(other, { status: 0, last: { event: 'done' } })
  t.not(other.last['sha256'], expected.last['sha256'])

  for (const [words, status, ...args] of [
    [/300 LEDs, the board 64/, 5],
    [/no range of channels.*counted from 1/, 2, '--channels', '0-5'],
    [/channel 901 .* is not in the file/, 2, '--channels', '899-901'],
    [/frames 40 to 41 .* has 40/, 2, '--channels', '1-192', '--frames', '40-41'],
  ] as const) {
    const refused = await place.here('upload', file, ...args, ...port)
    t.match(refused, { status, last: { event: 'failed', message: words } }, String(words))
  }
  t.match(await place.here('upload', byHand, '--channels', '1-3', ...port), {
    status: 2,
    last: { message: /--channels chooses from a sequence/ },
  })
})

t.test('the daemon takes a part too, and shows it', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { leds: '64' })
  const links = [{ kind: 'serial', path: board.path, baudRate: 1_000_000 }]
  await place.file('config.json', JSON.stringify({ links, log: { level: 'warn' } }))
  const daemon = place.start('serve', '--config', place.path('config.json'))
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  await eventually(
    async () =>
      (await place.here('boards', '--json')).last['boards']?.some(
        ({ state }: Event) => state === 'connected',
      ),
    'the board',
  )
  const file = await place.file('show.fseq', show)
  const to = ['--board', board.uuid, '--json']
  const sent = await place.here('upload', file, '--channels', '301-492', '--frames', '21-35', ...to)
  t.match(sent, { status: 0, last: { event: 'done' } })
  const byHand = await place.here('upload', await place.file('part.bin', cutByHand(300, 20, 15)), ...to)
  t.match(byHand, { status: 0, last: { event: 'done', sha256: sent.last['sha256'] } })
  const kept = await place.here(
    'pattern',
    'import',
    file,
    '--channels',
    '301+192',
    '--frames',
    '21-35',
    '--json',
  )
  t.match(kept, { status: 0, last: { pattern: { reading: { channels: '301+192', frames: '21-35' } } } })
  const fromStore = await place.here('upload', '--pattern', 'show.fseq', ...to)
  t.match(fromStore, { status: 0, last: { event: 'done', sha256: sent.last['sha256'] } })
  t.match(await place.here('upload', file, '--frames', '39+5', '--channels', '1-3', ...to), {
    status: 2,
    last: { code: 'usage', message: /has 40/ },
  })
})

t.test('of a file that is too large to be sent whole the part is cut out before', async t => {
  const place = await workplace(t)
  const file = await place.file('show.fseq', show)
  const whole = { fileName: 'show.fseq', raw: false, sourceWiring: 'row-straight-tl' }
  const asked = { ...whole, channels: '301-492', frames: '21-35', candidate: 0 }
  t.equal((await fileToUpload(file, whole, 1000)).bytes.length, show.length, 'all of it is asked for')
  t.match(await fileToUpload(file, asked, show.length), { options: asked, bytes: { length: show.length } })
  const { bytes, options } = await fileToUpload(file, asked, 1000)
  t.match(options, { ...whole, channels: undefined, frames: undefined, candidate: undefined })
  const pattern = openBest(bytes, { fileName: 'show.fseq' })
  t.match(pattern, { leds: 64, frames: { length: 15 } })
  t.ok(
    pattern.frames.every(({ pixels }, at) =>
      pixels.every((shown, channel) => shown === frames[20 + at]?.[300 + channel]),
    ),
  )
  t.same((await fileToUpload(file, asked, 1000)).bytes, bytes, 'the same part is the same file')
  const drawing = await place.file('part.bin', cutByHand(0, 0, 30))
  t.match(await fileToUpload(drawing, { fileName: 'part.bin', raw: false, frames: '1-2' }, 1000), {
    options: { frames: '1-2' },
  })
})
