import t, { type Test } from 'tap'
import {
  type Event,
  eventually,
  type Running,
  startBoard,
  type Workplace,
  workplace,
} from '../support/pixelgate.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'

const uuid = 'aaaaaaaa-0000-4000-8000-00000000000a'
/** What a service manager waits before it kills is 10 s; the promise is half of that. */
const promisedMs = 5000
const sizeBytes = 200_000

async function startDaemon(t: Test, place: Workplace): Promise<Running> {
  const daemon = place.start('serve', '--config', place.path('config.json'))
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  return daemon
}

async function jobOf(place: Workplace): Promise<Event> {
  const { last } = await place.here('jobs', '--json')
  return last['jobs']?.[0] ?? {}
}

t.test(
  'SIGTERM in the middle of an upload ends the gateway within 5 s, and the next one sends what is missing',
  async t => {
    const place = await workplace(t)
    // Each page that the board writes takes its time, so the upload lasts some seconds.
    const board = await startBoard(t, place, { uuid, 'max-body': '512', fault: ['slow-flash=5'] })
    const link = { kind: 'serial', path: board.path, baudRate: 1_000_000 }
    const lan = { http: { host: '127.0.0.1', port: 0, tls: 'insecure' }, mqtt: { listeners: [] } }
    await place.file('config.json', JSON.stringify({ links: [link], log: { level: 'warn' }, ...lan }))
    const first = await startDaemon(t, place)
    await eventually(
      async () => (await place.here('boards', '--json')).last['boards']?.[0]?.state === 'connected',
      'the board',
    )
    const random = seededRandom(7)
    const bytes = Uint8Array.from({ length: sizeBytes }, () => Math.floor(random() * 256))
    const upload = place.start('upload', await place.file('long.raw', bytes), '--raw', '--all', '--json')
    t.teardown(() => upload.kill())
    await upload.says(({ event, doneBytes }) => event === 'progress' && doneBytes > sizeBytes / 3, 'a third')

    const beganMs = performance.now()
    const { status, stderr } = await first.kill('SIGTERM')
    const tookMs = performance.now() - beganMs
    t.equal(status, 0, stderr)
    t.ok(tookMs < promisedMs, `it took ${Math.round(tookMs)} ms`)
    t.notMatch(stderr, /"level":50/, 'nothing went wrong on the way')

    await startDaemon(t, place)
    t.equal((await jobOf(place))['state'] === 'failed', false, 'the job was checkpointed, not given up')
    const { status: uploaded, last } = await upload.ended
    t.equal(uploaded, 0)
    t.match(last, { event: 'done', resumed: true, resentBlocks: 0, imageBytes: sizeBytes })
  },
)
