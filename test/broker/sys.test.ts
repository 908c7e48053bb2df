import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import t, { type Test } from 'tap'
import { BrokerStatus, type StatusCounts } from '../../src/broker/broker-status.ts'
import { LoadAverage } from '../../src/broker/load-average.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import {
  BrokerRig,
  connectPacket,
  freePort,
  gw,
  type Listener,
  packet,
  publishPacket,
  RawClient,
  subscribePacket,
  until,
} from './broker-rig.ts'

const own = `pixelgate/${gw}`
const mosquitto = '/usr/sbin/mosquitto'
const counters = {
  'bytes/received': /^\d+$/,
  'bytes/sent': /^\d+$/,
  'clients/active': /^\d+$/,
  'clients/connected': /^\d+$/,
  'clients/disconnected': /^\d+$/,
  'clients/expired': /^\d+$/,
  'clients/inactive': /^\d+$/,
  'clients/maximum': /^\d+$/,
  'clients/total': /^\d+$/,
  'heap/current': /^\d+$/,
  'heap/maximum': /^\d+$/,
  'messages/received': /^\d+$/,
  'messages/sent': /^\d+$/,
  'messages/stored': /^\d+$/,
  'publish/bytes/received': /^\d+$/,
  'publish/bytes/sent': /^\d+$/,
  'publish/messages/dropped': /^\d+$/,
  'publish/messages/received': /^\d+$/,
  'publish/messages/sent': /^\d+$/,
  'retained messages/count': /^\d+$/,
  'shared_subscriptions/count': /^\d+$/,
  'store/messages/bytes': /^\d+$/,
  'store/messages/count': /^\d+$/,
  'subscriptions/count': /^\d+$/,
  uptime: /^\d+ seconds$/,
  version: /^pixelgate 1\.2\.3$/,
} as const
const loads = ['bytes/received', 'bytes/sent', 'connections', 'messages/received', 'messages/sent'].concat(
  ...['publish/dropped', 'publish/received', 'publish/sent', 'sockets'],
)
const names: Readonly<Record<string, RegExp>> = {
  ...counters,
  ...Object.fromEntries(
    loads.flatMap(name => ['1min', '5min', '15min'].map(window => [`load/${name}/${window}`, /^\d+\.\d\d$/])),
  ),
}

/** Ten seconds of the broker's time. */
async function round(clock: VirtualClock): Promise<void> {
  clock.advance(10_000)
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}

const heardAll = ({ heard }: Listener) =>
  until(() => new Set(heard.map(({ topic }) => topic)).size >= Object.keys(names).length, 'all of them')

t.test('everything that tools for mosquitto read is there, and looks as they expect it', async t => {
  const rig = await BrokerRig.start(t)
  const control = await rig.connect(await rig.user('desk', 'control'))
  await control.client.subscribeAsync('$SYS/#')
  await heardAll(control)
  for (const [name, pattern] of Object.entries(names))
    t.match(await control.hears(`$SYS/broker/${name}`), pattern, name)
  t.ok(control.heard.every(({ retain }) => retain))
})

t.test(
  'a mosquitto has no topic that is missing here',
  { skip: !existsSync(mosquitto) && 'no mosquitto' },
  async t => {
    const folder = await mkdtemp(join(tmpdir(), 'mosquitto-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const port = await freePort()
    await writeFile(
      join(folder, 'conf'),
      `listener ${port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\n`,
    )
    const child = spawn(mosquitto, ['-c', join(folder, 'conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
    t.teardown(async () => {
      child.kill()
      await once(child, 'exit')
    })
    const heard = new Set<string>()
    const client = await connected(port)
    t.teardown(() => client.endAsync(true))
    client.on('message', topic => heard.add(topic))
    await client.subscribeAsync('$SYS/#')
    await until(() => [...heard].some(topic => topic.endsWith('/15min')), 'its averages')
    const missing = [...heard]
      .map(topic => topic.replace('$SYS/broker/', ''))
      .filter(name => names[name] === undefined)
    t.same(missing, [])
  },
)

async function connected(port: number) {
  const end = Date.now() + 10_000
  for (;;)
    try {
      return await connectAsync({ host: '127.0.0.1', port, reconnectPeriod: 0 })
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise(resolve => setTimeout(resolve, 20))
    }
}

const value = (listener: Listener, name: string): number => Number(listener.on(`$SYS/broker/${name}`).at(-1))

t.test('the counts are those of what was really sent', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock })
  const watcher = await rig.connect(await rig.user('desk', 'control'))
  await watcher.client.subscribeAsync('$SYS/broker/#')
  await heardAll(watcher)
  const settle = async () => {
    await rig.broker.ping()
    await round(clock)
    await watcher.hears('$SYS/broker/uptime', `${clock.now() / 1000} seconds`)
  }
  await settle()
  const countNames = ['messages/received', 'messages/sent', 'bytes/received', 'publish/messages/received']
    .concat('publish/messages/sent', 'publish/bytes/received', 'clients/connected', 'subscriptions/count')
    .concat('clients/total', 'clients/disconnected', 'store/messages/count', 'clients/maximum')
  const before = Object.fromEntries(countNames.map(name => [name, value(watcher, name)]))
  const watched = watcher.heard.length
  const raw = await RawClient.open(t, rig.openPort)
  const sent = [
    connectPacket('a', { flags: 0 }),
    subscribePacket(1, [`${own}/cmd/n`, 1], [`${own}/x/cmd/n`, 0]),
    publishPacket(`${own}/cmd/n`, '{}'),
    publishPacket(`${own}/cmd/n`, '{}', { qos: 1, id: 7 }),
    publishPacket(`${own}/cmd/n`, '{"correlationId":1}', { qos: 2, id: 8 }),
  ]
  for (const [i, answer] of ['2002', '9004 0001 0100', '', '4002 0007', '5002 0008'].entries()) {
    raw.send(sent[i] ?? '')
    await raw.gets(answer)
  }
  await until(
    () => (raw.received.match(/636d642f6e/g)?.length ?? 0) >= 3,
    () => `what it says to itself, got ${raw.received}`,
  )
  raw.send(packet(0x62, '\0\b'), packet(0xc0))
  await raw.gets('d000')
  await settle()
  const grown = (name: string) => value(watcher, name) - (before[name] ?? 0)
  t.equal(grown('publish/messages/received'), 3)
  t.equal(grown('publish/bytes/received'), 2 + 2 + 19)
  t.equal(grown('clients/connected'), 1)
  t.equal(grown('subscriptions/count'), 2)
  t.equal(grown('clients/maximum'), 1)
  const receivedByRaw = sent.length + 2
  t.equal(grown('messages/received'), receivedByRaw)
  t.equal(grown('bytes/received'), Buffer.concat(sent).length + 6)
  const toWatcher = watcher.heard.length - watched
  t.ok(
    grown('messages/sent') >= 10,
    'CONNACK, SUBACK, PUBACK, PUBREC, PUBCOMP, PINGRESP, three PUBLISH and the watcher',
  )
  t.ok(grown('messages/sent') <= 10 + toWatcher)
  raw.socket.destroy()
  await until(() => rig.broker.stats().clients === 1, 'it to be gone')
  await settle()
  t.equal(value(watcher, 'clients/connected'), before['clients/connected'])
  t.equal(grown('clients/disconnected'), 1, 'its session lasts')
  t.equal(grown('clients/total'), 1)
  t.equal(grown('subscriptions/count'), 2)
  const stored = value(watcher, 'store/messages/count')
  await watcher.client.publishAsync(`${own}/cmd/n`, '{}', { qos: 1 })
  await settle()
  t.equal(value(watcher, 'store/messages/count'), stored + 1, 'a message waits')
  clock.advance(25 * 3_600_000)
  await settle()
  await settle()
  t.equal(value(watcher, 'clients/expired'), 1)
  t.equal(value(watcher, 'clients/disconnected'), 0)
})

t.test('only those who may read it read it, and nobody else writes it', async t => {
  const rig = await BrokerRig.start(t)
  const watch = await rig.connect(await rig.user('guest', 'watch'))
  const anonymous = await rig.connect()
  await watch.client.subscribeAsync('#')
  await t.rejects(watch.client.subscribeAsync('$SYS/broker/#'))
  await anonymous.client.subscribeAsync('$SYS/broker/#')
  await anonymous.client.publishAsync('$SYS/broker/uptime', 'for ever', { qos: 1, retain: true })
  await anonymous.hears('$SYS/broker/uptime', /seconds/)
  await watch.hears(`${own}/status`, 'online')
  t.notOk(watch.heard.some(({ topic }) => topic.startsWith('$')))
  t.notOk(anonymous.on('$SYS/broker/uptime').includes('for ever'))
})

const nothing: StatusCounts = {
  clients: 0,
  sessionsAway: 0,
  sessionsExpired: 0,
  subscriptions: 0,
  retained: 0,
  retainedBytes: 0,
  queuedMessages: 0,
  queuedBytes: 0,
  droppedMessages: 0,
  messagesReceived: 0,
  messagesSent: 0,
  payloadBytesReceived: 0,
  payloadBytesSent: 0,
  packetsReceived: 0,
  packetsSent: 0,
  bytesReceived: 0,
  bytesSent: 0,
  connects: 0,
  sockets: 0,
  heapBytes: 0,
}

function told(t: Test) {
  const clock = new VirtualClock()
  let counts = nothing
  const said = new Map<string, string>()
  const publisher = {
    retain: async (topic: string, message: unknown) => void said.set(topic, String(message)),
  }
  const status = new BrokerStatus(clock, publisher, () => counts)
  status.start('1.2.3', () => undefined)
  t.teardown(() => status.stop())
  return {
    clock,
    status,
    said: (name: string) => said.get(`$SYS/broker/${name}`),
    set: (changed: Partial<StatusCounts>) => {
      counts = { ...counts, ...changed }
    },
  }
}

t.test('an average is what came in a minute, and forgets with its window', async t => {
  const { clock, said, set } = told(t)
  const end = { '1min': 0, '5min': 0, '15min': 0 }
  for (let second = 10; second <= 3600; second += 10) {
    set({ messagesReceived: second * 5, bytesSent: second <= 60 ? second * 100 : 6000 })
    clock.advance(10_000)
    for (const [name, minutes] of [
      ['1min', 1],
      ['5min', 5],
      ['15min', 15],
    ] as const)
      end[name] = 300 * (1 - Math.exp(-second / (minutes * 60)))
  }
  for (const name of ['1min', '5min', '15min'] as const)
    t.equal(Number(said(`load/publish/received/${name}`)).toFixed(1), end[name].toFixed(1), name)
  t.equal(said('load/bytes/sent/1min'), '0.00', 'an hour later nothing is left of a burst')
  t.equal(said('load/sockets/15min'), '0.00')
  const average = new LoadAverage(0, 10)
  average.update(0, 1000)
  t.equal(average.perMinute['1min'], 0, 'no time has passed')
  average.update(1000, 11)
  t.ok(average.perMinute['1min'] > 0 && average.perMinute['1min'] < 1)
})

t.test('the most that there ever was stays, also between two rounds', async t => {
  const { clock, status, said, set } = told(t)
  set({ clients: 3, heapBytes: 500 })
  status.noteClients(7)
  clock.advance(10_000)
  t.equal(said('clients/maximum'), '7')
  set({ clients: 2, heapBytes: 400 })
  clock.advance(10_000)
  t.equal(said('clients/maximum'), '7')
  t.equal(said('clients/connected'), '2')
  t.same([said('heap/current'), said('heap/maximum')], ['400', '500'])
  t.equal(said('uptime'), '20 seconds')
})
