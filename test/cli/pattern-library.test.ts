import { readFile } from 'node:fs/promises'
import t from 'tap'
import {
  type Event,
  eventually,
  ledmFile,
  numbers,
  startBoard,
  type Workplace,
  workplace,
} from '../support/pixelgate.ts'

const uuid = 'aaaaaaaa-0000-4000-8000-000000000001'
/** 60 frames of 10 pixels without a header. */
const strip = Uint8Array.from({ length: 10 * 3 * 60 }, (_, at) => (at % 30) * 8 + Math.floor(at / 30))
const samples = new URL('../../samples/', import.meta.url)
const gif = await readFile(new URL('comet.gif', samples))
const drawing = await readFile(new URL('lantern.leds', samples))

const show = async (place: Workplace, id: string): Promise<Event> =>
  (await place.here('pattern', 'show', id, '--json')).last

t.test('patterns are imported, listed, shown, tagged, exported, uploaded and removed', async t => {
  const place = await workplace(t)
  const links = [{ kind: 'serial', path: place.path('board'), baudRate: 1_000_000 }]
  await place.file('config.json', JSON.stringify({ links, log: { level: 'warn' } }))
  const daemon = place.start('serve', '--config', place.path('config.json'))
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  await startBoard(t, place, { uuid, leds: '8x8', pty: place.path('board') })
  await eventually(
    async () => (await place.here('boards', '--json')).last['boards']?.[0]?.state === 'connected',
    'the board',
  )
  const fire = await place.file('fire.ledm', ledmFile(numbers(0, 20)))
  const other = await place.file('fire2.ledm', ledmFile(numbers(5, 10)))

  t.match((await place.here('pattern', 'list')).stdout, /No pattern is stored yet/)
  const first = await place.here('pattern', 'import', fire, '--tag', 'Winter', '--tag', 'hall', '--json')
  t.match(first, {
    status: 0,
    last: { event: 'stored', created: true, pattern: { name: 'fire.ledm', version: 1 } },
  })
  t.match(first.last['pattern'], {
    tags: ['hall', 'winter'],
    width: 8,
    height: 8,
    frames: 20,
    thumbnail: /^[0-9a-f]{64}$/,
  })
  const { id } = first.last['pattern']
  t.match(await place.here('pattern', 'import', fire), {
    status: 0,
    stdout: /fire\.ledm: was here already as /,
  })
  const second = await place.here('pattern', 'import', other, '--name', 'fire.ledm')
  t.match(second.stdout, /^fire\.ledm version 2: stored as \S+ \(ledm, 8×8, 10 frames, 0\.2 s\)$/m)

  const several = await place.here(
    'pattern',
    'import',
    await place.file('a.gif', gif),
    await place.file('broken.gif', 'no picture'),
    await place.file('b.leds', drawing),
    '--json',
  )
  t.equal(several.status, 4, 'of several files the good ones are kept')
  t.match(
    several.events.map(({ event, file }) => [event, String(file).replace(/.*\//, '')]),
    [
      ['stored', 'a.gif'],
      ['failed', 'broken.gif'],
      ['stored', 'b.leds'],
    ],
  )
  t.equal((await place.here('pattern', 'import', place.path('nothing'))).status, 4)
  t.equal((await place.here('pattern', 'import', fire, other, '--name', 'x')).status, 2)

  const list = await place.here('pattern', 'list', '--json')
  t.same(
    list.last['patterns'].map(({ name }: Event) => name),
    ['b.leds', 'a.gif', 'fire.ledm'],
  )
  t.equal(list.last['total'], 3)
  t.match(await place.here('pattern', 'list', '--tag', 'winter', '--json'), { last: { total: 1 } })
  t.match(await place.here('pattern', 'list', '--search', 'FIRE led', '--json'), { last: { total: 1 } })
  t.match((await place.here('pattern', 'list', '--search', 'nowhere')).stdout, /No stored pattern fits/)
  const table = (await place.here('pattern', 'list')).stdout
  t.match(table, /^id +name +format +size +frames +bytes +version +stored +tags$/m)
  const start = /^(\S+) +fire\.ledm +ledm +8×8/m.exec(table)?.[1] ?? ''
  t.match(
    await show(place, start),
    { pattern: { name: 'fire.ledm', version: 2 } },
    'the table shows enough of an id',
  )

  const shown = await show(place, id)
  t.match(shown, {
    pattern: { id, version: 1, latest: false },
    provenance: [
      { door: 'import', fileName: 'fire.ledm' },
      { door: 'import', fileName: 'fire.ledm' },
    ],
    versions: [{ version: 2 }, { version: 1 }],
    boards: [{ boardId: uuid, fits: true, overKb: 0, problems: [], advice: [] }],
  })
  t.match((await show(place, 'a.gif'))['boards'], [{ fits: true }], 'a picture is scaled')
  const words = (await place.here('pattern', 'show', 'b.leds')).stdout
  t.match(words, /does not fit/)
  t.match(words, /The pattern is 16×16, the board 8×8\.\n.*: Draw it at the size of the board/)

  t.match(await place.here('pattern', 'tag', 'fire.ledm', '+new', '-hall'), {
    status: 0,
    stdout: 'fire.ledm: new, winter\n',
  })
  t.match(await place.here('pattern', 'tag', id, '--name', 'Fire place', '--json'), {
    last: { pattern: { name: 'Fire place' } },
  })
  t.equal((await place.here('pattern', 'tag', id, 'new')).status, 2)
  t.equal((await place.here('pattern', 'tag', id)).status, 2)
  t.equal((await place.here('pattern', 'tag', id, '+a,b')).status, 2)

  const out = place.path('out.ledm')
  t.match(await place.here('pattern', 'export', id, out), { status: 0, stdout: /as it came in/ })
  t.ok(Buffer.from(ledmFile(numbers(0, 20))).equals(await readFile(out)))
  t.match(await place.here('pattern', 'export', id, out), { status: 2, stderr: /--force/ })
  t.equal((await place.here('pattern', 'export', id, out, '--force')).status, 0)
  t.match(await place.here('pattern', 'export', id, out, '--force', '--format', 'nonsense'), { status: 2 })

  t.match(await place.here('upload', '--pattern', id, '--board', uuid, '--json'), {
    status: 0,
    last: { event: 'done' },
  })
  t.match(await place.here('upload', fire, '--pattern', id, '--board', uuid), { status: 2 })
  t.match(await place.here('upload', '--pattern', id, '--tcp', '127.0.0.1:1'), { status: 2 })
  t.match(await place.here('upload', '--pattern', 'nothing', '--board', uuid), {
    status: 2,
    stderr: /no pattern called/,
  })

  t.match(await place.here('pattern', 'remove', 'nothing'), { status: 2 })
  t.match(
    (await place.here('pattern', 'remove', id)).stdout,
    /^Fire place: version 1 removed\. Version 2 is shown now\.$/m,
  )
  t.match(await place.here('pattern', 'remove', 'Fire place', '--all-versions', '--json'), {
    last: { removed: 1, shown: null },
  })
  t.equal((await place.here('pattern', 'show', 'Fire place')).status, 2)
})

t.test('a file that can be read in several ways is kept with the reading that was chosen', async t => {
  const place = await workplace(t)
  const daemon = place.start('serve')
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  const file = await place.file('old.bin', strip)
  const asked = await place.here('pattern', 'import', file)
  t.match(asked.stdout, /can be read in \d+ ways.*--candidate N/)
  t.match(await show(place, 'old.bin'), { pattern: { ambiguous: true }, trouble: { code: 'file_ambiguous' } })
  t.match((await place.here('pattern', 'show', 'old.bin')).stdout, /Boards: the file can be read in/)
  const chosen = await place.here('pattern', 'import', file, '--leds', '10', '--candidate', '0', '--json')
  t.match(chosen.last, {
    created: false,
    pattern: { ambiguous: false, leds: 10, frames: 60, reading: { leds: 10, candidate: 0 } },
  })
  t.match(await show(place, 'old.bin'), { boards: [], pattern: { ambiguous: false } })
  t.match((await show(place, 'old.bin'))['trouble'], undefined)
  t.match(await place.here('pattern', 'import', file, '--candidate', '999'), {
    status: 2,
    stderr: /there is no candidate 999/,
  })
  const raw = await place.here('pattern', 'import', file, '--raw', '--name', 'bytes', '--json')
  t.match(raw.last, { created: true, pattern: { raw: true, format: 'raw', thumbnail: null } })
})
