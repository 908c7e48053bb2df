import t from 'tap'
import { portHolders } from '../../src/link/port-error.ts'
import {
  type Event,
  eventually,
  ledmFile,
  numbers,
  type Running,
  startBoard,
  type Workplace,
  workplace,
} from '../support/pixelgate.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'

type Test = Parameters<typeof startBoard>[0]

const uuidA = 'aaaaaaaa-0000-4000-8000-000000000001'
const uuidB = 'bbbbbbbb-0000-4000-8000-000000000002'
const noise = (seed: number, sizeBytes: number): Uint8Array => {
  const random = seededRandom(seed)
  return Uint8Array.from({ length: sizeBytes }, () => Math.floor(random() * 256))
}
/** Pixels of a block at most, and its delays. */
const largestBlockBytes = 16_384 + 64
const serial = (path: string) => ({ kind: 'serial', path, baudRate: 1_000_000 })

/** Writes a configuration with these links and starts the daemon on it. */
async function startDaemon(
  t: Test,
  place: Workplace,
  links: readonly string[],
  more: object = {},
): Promise<Running> {
  await place.file(
    'config.json',
    JSON.stringify({ links: links.map(serial), log: { level: 'warn' }, ...more }),
  )
  const daemon = place.start('serve', '--config', place.path('config.json'))
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  return daemon
}

async function boardState(place: Workplace, uuid: string): Promise<string | undefined> {
  const { last } = await place.here('boards', '--json')
  return last['boards']?.find(({ id }: Event) => id === uuid)?.state
}
const connected = (place: Workplace, ...uuids: readonly string[]) =>
  eventually(
    async () => {
      const states = await Promise.all(uuids.map(uuid => boardState(place, uuid)))
      return states.every(state => state === 'connected')
    },
    `the boards ${uuids.join(', ')}`,
  )

const newestJob = async (place: Workplace): Promise<Event> =>
  (await place.here('jobs', '--json')).last['jobs'][0]

t.test('the daemon says where it listens, refuses a second one, and stops at SIGTERM within 5 s', async t => {
  const place = await workplace(t)
  const daemon = await startDaemon(t, place, [])
  const [ready] = daemon.events
  t.same(Object.keys(ready ?? {}), ['ready', 'controlSocket', 'http', 'mqtt'])
  t.equal(ready?.['controlSocket'], place.path('control.sock'))
  t.match((await place.here('boards')).stdout, /No board has been seen yet/)
  t.match((await place.here('jobs')).stdout, /No uploads yet/)
  const nowhere = await place.here('upload', await place.file('a.bin', ledmFile([1])), '--all')
  t.equal(nowhere.status, 2, 'there is no board to take it')

  const second = await place.run('serve', '--config', place.path('config.json'))
  t.not(second.status, 0)
  t.match(second.stderr, /another pixelgate is running/)
  t.equal((await place.here('boards')).status, 0, 'the first one goes on')

  const beganMs = performance.now()
  const { status, stderr } = await daemon.kill('SIGTERM')
  t.equal(status, 0, stderr)
  t.ok(performance.now() - beganMs < 5000)
  t.equal((await place.here('boards')).status, 8)
})

t.test('all faults of a configuration are told at once', async t => {
  const place = await workplace(t)
  const config = {
    links: [{ kind: 'serial', path: 'ttyUSB0' }],
    discovery: 'some',
    stateDirectory: '/x',
    log: { level: 'loud' },
  }
  const { status, stderr } = await place.run(
    'serve',
    '--config',
    await place.file('bad.json', JSON.stringify(config)),
  )
  t.equal(status, 2)
  for (const words of [/4 faults/, /links\[0\]\.path/, /discovery/, /stateDirectory/, /log\.level/])
    t.match(stderr, words)
  t.equal((await place.here('serve', '--config', place.path('absent.json'))).status, 2)
})

t.test(
  'an upload goes to several boards at once; one that it does not fit fails alone, with status 10',
  async t => {
    const place = await workplace(t)
    const a = await startBoard(t, place, { uuid: uuidA, name: 'window' })
    const b = await startBoard(t, place, { uuid: uuidB, name: 'door' })
    const small = await startBoard(t, place, { leds: '4x4', name: 'lamp' })
    await startDaemon(t, place, [a.path, b.path, small.path])
    await connected(place, uuidA, uuidB, small.uuid)

    const file = await place.file('both.bin', ledmFile(numbers(0, 4)))
    const both = await place.run('upload', file, '--board', 'window,door', '--json')
    t.equal(both.status, 0, both.stdout)
    t.same(
      both.events
        .filter(({ event }) => event === 'done')
        .map(({ board }) => board)
        .sort(),
      [uuidA, uuidB],
    )
    t.match(both.last, { event: 'summary', done: 2, failed: 0 })
    const [onA, onB] = [await a.playing(), await b.playing()]

    const more = await place.file('more.bin', ledmFile(numbers(7, 4)))
    const some = await place.here('upload', more, '--board', 'window,lamp', '--json')
    t.equal(some.status, 10)
    t.match(
      some.events.find(({ event }) => event === 'failed'),
      { code: 'does_not_fit', board: small.uuid },
    )
    t.match(some.last, { event: 'summary', done: 1, failed: 1 })
    t.not(await a.playing(), onA)
    t.equal(await b.playing(), onB, 'the board that was not named plays on')
    t.same(small.shown, [], 'nothing was sent to the board that it does not fit')

    const unknown = await place.here('upload', file, '--board', 'window,shed', '--json')
    t.equal(unknown.status, 2)
    t.match(unknown.last, { event: 'failed', code: 'not_found', message: /shed/ })

    t.equal((await place.here('board', 'set', 'window', '--power-cap', '200')).status, 0)
    const bright = await place.here('upload', file, '--board', 'window', '--json')
    t.equal(bright.status, 5)
    t.match(bright.last, { event: 'failed', code: 'power_exceeded', message: /limited to 0\.20 A/ })
    t.equal(
      (await place.here('board', 'set', 'window', '--power-cap', 'none', '--name', 'pane', '--json')).last[
        'board'
      ].name,
      'pane',
    )
    t.equal((await place.here('upload', file, '--board', 'pane')).status, 0)
    const listed = await place.here('boards')
    t.match(listed.stdout, /pane +connected/)
    t.match((await place.here('jobs')).stdout, /done +both\.bin/)
    const ports = (await place.here('ports', '--json')).last['ports']
    t.ok(ports.some(({ reason, open }: Event) => reason === 'configured' && open === true))
  },
)

t.test(
  'the same file costs no payload the second time, and an inserted frame two blocks at most',
  async t => {
    const place = await workplace(t)
    const board = await startBoard(t, place, { uuid: uuidA, leds: '16x16', 'ram-limit': '4096' })
    await startDaemon(t, place, [board.path])
    await connected(place, uuidA)
    const frames = numbers(0, 200)
    const upload = async (name: string, shown: readonly number[]) => {
      const { status, last, stdout } = await place.here(
        'upload',
        await place.file(name, ledmFile(shown, 16, 16)),
        '--all',
        '--json',
      )
      t.equal(status, 0, stdout)
      return last
    }
    const whole = await upload('a.bin', frames)
    t.ok(whole['payloadBytes'] >= 200 * 16 * 16 * 3)
    const again = await upload('a.bin', frames)
    t.match(again, { event: 'done', payloadBytes: 0, resentBlocks: 0 })
    t.ok(again['wireBytesOut'] < 1000)
    const { blocks } = await newestJob(place)
    const inserted = await upload('b.bin', [...frames.slice(0, 111), 1000, ...frames.slice(111)])
    t.ok(inserted['payloadBytes'] > 0 && inserted['payloadBytes'] <= 2 * largestBlockBytes)
    t.ok(blocks > 8, `${blocks} blocks: two are few of them`)
    t.comment(`${inserted['payloadBytes']} of ${whole['payloadBytes']} bytes for one frame more`)
  },
)

t.test('a job for a board that is away waits, and starts when the board comes', async t => {
  const place = await workplace(t)
  const flash = place.path('flash')
  const link = place.path('port')
  const before = await startBoard(t, place, { uuid: uuidA, name: 'window', pty: link, flash })
  await startDaemon(t, place, [link])
  await connected(place, uuidA)
  await before.stop()
  await eventually(async () => (await boardState(place, uuidA)) === 'away', 'the board to be away')
  const file = await place.file('late.bin', ledmFile(numbers(0, 4)))
  const upload = place.start('upload', file, '--board', 'window', '--json')
  t.teardown(() => upload.kill())
  await upload.says(({ event, state }) => event === 'state' && state === 'waiting', 'waiting')
  const other = place.start('upload', await place.file('b.bin', ledmFile(numbers(4, 4))), '--all', '--json')
  t.teardown(() => other.kill())
  await other.says(({ event, state }) => event === 'state' && state === 'waiting', 'waiting')
  const interrupted = await other.kill('SIGTERM')
  t.equal(interrupted.status, 8)
  t.match(interrupted.last, { event: 'failed', code: 'cancelled', message: /goes on with the upload/ })
  const backMs = performance.now()
  const after = await startBoard(t, place, { uuid: uuidA, pty: link, flash })
  const { status, last } = await upload.ended
  t.equal(status, 0)
  t.equal(last['event'], 'done')
  t.ok(performance.now() - backMs < 20_000)
  await eventually(
    async () => (await newestJob(place))['state'] === 'done',
    'the job whose command was interrupted',
  )
  await after.playing()
})

t.test('a killed daemon goes on where it stopped, and whoever watches sees the end', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { uuid: uuidA, 'max-body': '512', fault: ['slow-flash=5'] })
  const first = await startDaemon(t, place, [board.path])
  await connected(place, uuidA)
  const bytes = noise(1, 200_000)
  const upload = place.start('upload', await place.file('long.raw', bytes), '--raw', '--all', '--json')
  t.teardown(() => upload.kill())
  await upload.says(({ event, doneBytes }) => event === 'progress' && doneBytes > 70_000, 'a third')
  await first.kill('SIGKILL')
  t.notOk(upload.hasEnded)
  await startDaemon(t, place, [board.path])
  const { status, last } = await upload.ended
  t.equal(status, 0)
  t.match(last, { event: 'done', resumed: true, resentBlocks: 0, imageBytes: bytes.length })
})

t.test('an upload can be paused, resumed and cancelled', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { uuid: uuidA, 'max-body': '512', fault: ['slow-flash=5'] })
  await startDaemon(t, place, [board.path])
  await connected(place, uuidA)
  const upload = place.start(
    'upload',
    await place.file('long.raw', noise(2, 100_000)),
    '--raw',
    '--all',
    '--json',
  )
  t.teardown(() => upload.kill())
  await upload.says(({ event, doneBytes }) => event === 'progress' && doneBytes > 10_000, 'the start')
  const { id } = await newestJob(place)
  const command = (verb: string) => place.here('jobs', verb, id, '--json')
  t.equal((await command('pause')).last['job'].state, 'paused')
  t.equal((await command('pause')).status, 2, 'it is paused already')
  const { durableBlocks } = await newestJob(place)
  t.equal((await newestJob(place))['state'], 'paused')
  t.equal((await command('resume')).status, 0)
  await eventually(
    async () => (await newestJob(place))['durableBlocks'] >= durableBlocks,
    'the upload to go on',
  )
  t.equal((await command('cancel')).last['job'].state, 'cancelled')
  const { status, last } = await upload.ended
  t.equal(status, 8)
  t.match(last, { event: 'failed', code: 'cancelled' })
  t.equal((await command('resume')).status, 2, 'a cancelled job is over')
  const file = await place.file('next.bin', ledmFile(numbers(0, 2)))
  t.equal((await place.here('upload', file, '--all')).status, 0, 'the board is free again')
})

t.test('two boards with one UUID are both left alone until one of them goes', async t => {
  const place = await workplace(t)
  const [one, two] = [
    await startBoard(t, place, { uuid: uuidA }),
    await startBoard(t, place, { uuid: uuidA }),
  ]
  await startDaemon(t, place, [one.path, two.path])
  await eventually(async () => (await boardState(place, uuidA)) === 'quarantined', 'the quarantine')
  const upload = place.start('upload', await place.file('a.bin', ledmFile(numbers(0, 4))), '--all', '--json')
  t.teardown(() => upload.kill())
  await upload.says(({ event, state }) => event === 'state' && state === 'waiting', 'waiting')
  t.same([...one.shown, ...two.shown], [], 'neither got it')
  await one.stop()
  t.equal((await upload.ended).status, 0)
  await two.playing()
  t.same(one.shown, [])
})

t.test(
  'boards that change places in the middle of an upload keep their jobs: never the wrong board',
  async t => {
    const place = await workplace(t)
    const [left, right] = [place.path('left'), place.path('right')]
    const window = {
      uuid: uuidA,
      name: 'window',
      flash: place.path('a'),
      'max-body': '512',
      fault: ['slow-flash=5'],
    }
    const door = { uuid: uuidB, name: 'door', flash: place.path('b') }
    const before = [
      await startBoard(t, place, { ...window, pty: left }),
      await startBoard(t, place, { ...door, pty: right }),
    ]
    await startDaemon(t, place, [left, right])
    await connected(place, uuidA, uuidB)
    const bytes = noise(3, 100_000)
    const long = place.start(
      'upload',
      await place.file('long.raw', bytes),
      '--raw',
      '--board',
      'window',
      '--json',
    )
    t.teardown(() => long.kill())
    await long.says(
      ({ event, doneBytes }) => event === 'progress' && doneBytes > 20_000,
      'the upload is under way',
    )
    await Promise.all(before.map(board => board.stop()))
    const b = await startBoard(t, place, { ...door, pty: left })
    const a = await startBoard(t, place, { ...window, pty: right })
    const backMs = performance.now()
    await connected(place, uuidA, uuidB)
    t.ok(
      performance.now() - backMs < 5000,
      `both were back after ${(performance.now() - backMs).toFixed(0)} ms`,
    )
    const { status, last } = await long.ended
    t.equal(status, 0)
    t.match(last, { event: 'done', board: uuidA, resumed: true, resentBlocks: 0 })
    const file = await place.file('a.bin', ledmFile(numbers(0, 4)))
    t.equal((await place.here('upload', file, '--board', 'window')).status, 0)
    await a.playing()
    t.same(b.shown, [], 'the other board got nothing')
  },
)

t.test('a port that is neither configured nor approved is never opened', async t => {
  const place = await workplace(t)
  const [known, stranger] = [
    await startBoard(t, place, { uuid: uuidA }),
    await startBoard(t, place, { uuid: uuidB }),
  ]
  for (const discovery of ['known', 'off']) {
    const daemon = await startDaemon(t, place, [known.path], { discovery })
    await connected(place, uuidA)
    const holds = (path: string) => portHolders(path).some(holder => holder.includes(`(${daemon.pid})`))
    t.ok(holds(known.path), 'the configured port is open')
    t.notOk(holds(stranger.path), discovery)
    t.same(
      (await place.here('boards', '--json')).last['boards'].map(({ id }: Event) => id),
      [uuidA],
    )
    await daemon.kill('SIGTERM')
  }
})
