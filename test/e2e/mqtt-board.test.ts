import mqtt from 'mqtt'
import t from 'tap'
import { parseVirtualBoard } from '../../src/cli/board-virtual.ts'
import { ControlClient } from '../../src/cli/control-client.ts'
import {
  type Event,
  eventually,
  ledmFile,
  numbers,
  type Running,
  type Workplace,
  workplace,
} from '../support/pixelgate.ts'

type Test = Parameters<typeof workplace>[0]

const uuid = 'a0a0a0a0-0000-4000-8000-000000000001'

interface Gateway {
  readonly process: Running
  readonly url: string
}

async function startGateway(
  t: Test,
  place: Workplace,
  port = 0,
  listener: object = { anonymous: true },
): Promise<Gateway> {
  const config = { mqtt: { listeners: [{ host: '127.0.0.1', port, ...listener }] } }
  await place.file('config.json', JSON.stringify({ discovery: 'off', log: { level: 'warn' }, ...config }))
  const { PIXELGATE_MQTT_LISTENERS: _default, ...env } = place.env
  const process = place.startWith(env, 'serve', '--config', place.path('config.json'))
  t.teardown(() => process.kill())
  const { mqtt: url } = await process.says(({ ready }) => ready === true, 'ready')
  return { process, url }
}

/** A board as a process of its own, with its flash in a file. */
async function startBoard(
  t: Test,
  place: Workplace,
  url: string,
  ...more: readonly string[]
): Promise<Running> {
  const args = ['--mqtt', url, '--mqtt-user', 'shelf', '--mqtt-password-file', place.path('secret')]
  const board = place.start(
    ...[
      'board',
      'virtual',
      ...args,
      '--uuid',
      uuid,
      '--leds',
      '8x8',
      '--flash',
      place.path('flash'),
      ...more,
    ],
  )
  t.teardown(() => board.kill())
  return board
}

const isDone = async (place: Workplace, job: string): Promise<Event | undefined> => {
  const { last } = await place.here('jobs', '--json')
  const found = last['jobs']?.find(({ id }: Event) => id === job)
  if (found?.state === 'failed') throw new Error(`it failed: ${found.error?.message}`)
  return found?.state === 'done' ? found : undefined
}

t.test(
  'a virtual board over MQTT takes uploads; gateway and board may be killed',
  { timeout: 800_000 },
  async t => {
    const place = await workplace(t)
    let gateway = await startGateway(t, place)
    const issued = await place.here('mqtt-user', 'add', 'shelf', '--board', uuid, '--json')
    await place.file('secret', `${issued.last['password']}\n`)
    let board = await startBoard(t, place, gateway.url, '--fault', 'slow-flash=4')
    t.same(await board.says(({ ready }) => ready === true, 'ready'), {
      ready: true,
      kind: 'mqtt',
      path: gateway.url,
      uuid,
    })
    const state = async () =>
      (await place.here('boards', '--json')).last['boards']?.find(({ id }: Event) => id === uuid)
    await eventually(async () => (await state())?.state === 'connected', 'the board')
    t.match(await state(), { address: 'mqtt://shelf@127.0.0.1' })

    const file = await place.file('noise.ledm', ledmFile(numbers(0, 400)))
    const uploading = place.start('upload', file, '--board', uuid, '--json')
    t.teardown(() => uploading.kill())
    const started = await uploading.says(
      ({ event, doneBytes = 0 }) => event === 'progress' && doneBytes > 10_000,
      'progress',
    )
    const job = started['job'] ?? (await place.here('jobs', '--json')).last['jobs'][0].id
    const { port } = new URL(gateway.url)
    await gateway.process.kill('SIGKILL')
    gateway = await startGateway(t, place, Number(port))
    await eventually(async () => (await state())?.state === 'connected', 'the board to come back')
    await board.kill('SIGKILL')
    board = await startBoard(t, place, gateway.url)
    const done = await eventually(() => isDone(place, job), 'the end')
    t.match(done, { state: 'done' })
    const report = await new ControlClient(place.path('control.sock')).get<Event>(`/jobs/${job}/report`)
    t.match(report, { resumed: true, resentBlocks: 0 })
    const { last: boards } = await place.here('boards', '--json')
    t.match(boards['boards'][0], { id: uuid, status: { mode: 'playing', patternName: 'noise.ledm' } })

    const client = await mqtt.connectAsync(gateway.url, { reconnectPeriod: 0 })
    t.teardown(() => client.endAsync(true))
    const heard = new Map<string, string>()
    client.on(
      'message',
      (topic, payload) => void heard.set(topic.replace(/^pixelgate\/[^/]+\//, ''), payload.toString()),
    )
    await client.subscribeAsync('pixelgate/#', { qos: 1 })
    await eventually(() => heard.get(`${uuid}/availability`) === 'online', 'its availability')
    t.notOk(
      [...heard.keys()].some(topic => topic.endsWith('/offer')),
      'nothing is offered any more',
    )
    await board.kill('SIGKILL')
    await eventually(() => heard.get(`${uuid}/availability`) === 'offline', 'its last will')
  },
)

t.test('over TLS a virtual board goes by the authority of the gateway', async t => {
  const place = await workplace(t)
  const gateway = await startGateway(t, place, 0, { tls: true })
  t.match(gateway.url, /^mqtts:/)
  const { last } = await place.here('mqtt-user', 'add', 'shelf', '--board', uuid, '--json')
  await place.file('secret', `${last['password']}\n`)
  const board = await startBoard(t, place, gateway.url, '--mqtt-ca', place.path('state/tls/ca.pem'))
  await board.says(({ ready }) => ready === true, 'ready')
  await board.kill('SIGTERM')
  const stranger = await startBoard(t, place, gateway.url)
  const { status, stderr } = await stranger.ended
  t.equal(status, 6)
  t.match(stderr, /--mqtt-ca/)
})

t.test('a board that is not let in says why; options that do not fit are refused', async t => {
  const place = await workplace(t)
  const gateway = await startGateway(t, place)
  await place.file('secret', 'wrong\n')
  const board = await startBoard(t, place, gateway.url)
  const { status, stderr } = await board.ended
  t.equal(status, 6)
  t.match(stderr, /does not let the board in.*mqtt-user add NAME --board UUID/s)
  const line = { leds: '8', mqtt: 'mqtt://127.0.0.1', 'mqtt-user': 'u', 'mqtt-password-file': 'f', uuid }
  t.match(parseVirtualBoard(line).line, { kind: 'mqtt', user: 'u', passwordFile: 'f' })
  for (const [wrong, words] of [
    [{ mqtt: 'http://x' }, /mqtt:\/\/HOST/],
    [{ mqtt: 'mqtt://u:p@x' }, /Others can read an address/],
    [{ 'mqtt-user': undefined }, /credential of its own/],
    [{ mqtt: undefined, tcp: '1' }, /goes with --mqtt/],
    [{ tcp: '1' }, /one line/],
    [{ uuid: '0'.repeat(32) }, /needs a UUID/],
    [{ 'mqtt-gateway': 'x' }, /8 hexadecimal/],
  ] as const)
    t.throws(() => parseVirtualBoard({ ...line, ...wrong }), { code: 'usage', message: words })
})
