import t from 'tap'
import {
  type Event,
  eventually,
  ledmFile,
  type Running,
  startBoard,
  type Workplace,
  workplace,
} from '../support/pixelgate.ts'

async function served(place: Workplace, teardown: (end: () => unknown) => void): Promise<Running> {
  const daemon = place.start('serve', '--config', place.path('config.json'))
  teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  return daemon
}

t.test('watch shows an upload as it happens, and goes on when the gateway is started again', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place)
  const links = [{ kind: 'serial', path: board.path, baudRate: 115_200 }]
  await place.file('config.json', JSON.stringify({ links }))
  const daemon = await served(place, end => t.teardown(end))
  const json = place.start('watch', '--json')
  const people = place.start('watch', 'jobs', '--topic', 'boards')
  t.teardown(() => Promise.all([json.kill(), people.kill()]))
  await json.says(({ topic, data }) => topic === 'boards' && data.state === 'connected', 'the board')

  const file = await place.file('comet.dat', ledmFile([1, 2, 3]))
  const { status } = await place.here('upload', file, '--board', 'virtual board', '--json')
  t.equal(status, 0)
  const done = await json.says(({ topic, data }) => topic === 'jobs' && data.state === 'done', 'the end')
  t.match(done, { v: 1, type: 'job', seq: Number, ts: String, data: { name: 'comet.dat' } })

  const met = ({ topic, data }: Event) => topic === 'boards' && data.state === 'connected'
  const before = json.events.filter(met).length
  await daemon.kill('SIGTERM')
  await eventually(() => people.log.includes('Waiting for it'), 'the gateway to go')
  await served(place, end => t.teardown(end))
  await eventually(() => people.log.includes('there again'), 'the gateway to come back')
  // JSON has no words in between: there the board is met once more.
  await eventually(() => json.events.filter(met).length > before, 'the board again')
  const again = await place.here('upload', file, '--board', 'virtual board', '--json')
  t.equal(again.status, 0)
  await json.says(
    ({ topic, data }) => topic === 'jobs' && data.state === 'done' && data.id !== done['data'].id,
    'more',
  )

  const { status: ended, stdout } = await people.kill('SIGTERM')
  t.equal(ended, 0)
  t.match(stdout, /^\d\d:\d\d:\d\d {2}boards {4}virtual board connected/m)
  t.match(stdout, /^\d\d:\d\d:\d\d {2}jobs {6}comet\.dat \([0-9a-f]{8}\) done 100 %$/m)
})

t.test('without a gateway, or with a topic that it does not know, watch says so at once', async t => {
  const place = await workplace(t)
  const away = await place.here('watch')
  t.equal(away.status, 8)
  t.match(away.stderr, /The daemon does not run/)
  await place.file('config.json', '{}')
  await served(place, end => t.teardown(end))
  const { status, stderr } = await place.here('watch', 'weather')
  t.equal(status, 2)
  t.match(stderr, /topics/)
})
