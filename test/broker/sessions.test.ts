import type { AedesPublishPacket } from 'aedes'
import t from 'tap'
import { JobMirror } from '../../src/broker/job-mirror.ts'
import { RecentCommands } from '../../src/broker/recent-commands.ts'
import { RetainedMessages } from '../../src/broker/retained-messages.ts'
import type { Outgoing } from '../../src/broker/session-queue.ts'
import { Sessions, sessionLimits } from '../../src/broker/sessions.ts'
import { gatewayTopics } from '../../src/broker/topics.ts'
import { Traffic } from '../../src/broker/traffic.ts'
import { Bus } from '../../src/kernel/bus.ts'
import { boardId, jobId } from '../../src/kernel/ids.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { JobRecord } from '../../src/store/tables/job-record.ts'
import type { GatewayCore, GatewayEvents } from '../../src/upload/gateway-core.ts'
import {
  BrokerRig,
  connectPacket,
  gw,
  packet,
  principal,
  publishPacket,
  RawClient,
  until,
  welcome,
} from './broker-rig.ts'

const own = `pixelgate/${gw}`
const board = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'
const message = (topic: string, counter: number, payload: string | Buffer = 'x', qos: 0 | 1 | 2 = 1) =>
  ({
    cmd: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos,
    retain: false,
    dup: false,
    brokerId: 'b',
    brokerCounter: counter,
  }) as AedesPublishPacket

function memory() {
  const clock = new VirtualClock()
  const connected = new Set<string>()
  const sessions = new Sessions({
    clock,
    connected: id => connected.has(id),
    mayReceive: (_who, topic) => !topic.startsWith('secret'),
  })
  return { clock, connected, sessions }
}
const desk = principal('watch', 'desk')

t.test(
  'what a client missed is kept once for each session, in order, with the QoS that it asked for',
  async t => {
    const rig = await BrokerRig.start(t)
    const credential = await rig.user('desk', 'watch')
    const options = { ...credential, clean: false, clientId: 'k' }
    const away = await rig.connect(options)
    await away.client.subscribeAsync({ [`${own}/+/telemetry/#`]: { qos: 1 }, [`${own}/#`]: { qos: 0 } })
    await away.client.endAsync()
    const shelf = await rig.connect({ ...(await rig.user('shelf', { boardId: board })), clientId: board })
    for (let i = 0; i < 50; i++)
      await shelf.client.publishAsync(`${own}/${board}/telemetry/n`, String(i), { qos: 2 })
    t.ok(rig.broker.stats().queuedBytes > 0)
    const back = await rig.connect(options)
    await until(() => back.heard.length >= 50, 'all of them')
    t.same(
      back.heard.map(({ text }) => text),
      Array.from({ length: 50 }, (_, i) => String(i)),
    )
    t.ok(back.heard.every(({ qos }) => qos === 1))
    await until(() => rig.broker.stats().queuedBytes === 0, 'the acknowledgements')
    await back.client.endAsync()
    const fresh = await rig.connect({ ...options, clean: true })
    await fresh.client.endAsync()
    t.equal(rig.broker.stats().sessions, 0, 'a clean session ends the lasting one')
  },
)

t.test('QoS 2 to a lasting session loses and doubles nothing, though the line breaks', async t => {
  const rig = await BrokerRig.start(t)
  const options = { ...(await rig.user('desk', 'watch')), clean: false, clientId: 'k' }
  const heard = new Map<string, number>()
  const listener = await rig.connect({ ...options, reconnectPeriod: 5 })
  listener.client.on('message', (_topic, payload) =>
    heard.set(payload.toString(), (heard.get(payload.toString()) ?? 0) + 1),
  )
  await listener.client.subscribeAsync(`${own}/+/telemetry/+`, { qos: 2 })
  const shelf = await rig.connect({ ...(await rig.user('shelf', { boardId: board })), clientId: board })
  const total = 1500
  const flights: Promise<unknown>[] = []
  for (let i = 0; i < total; i++) {
    flights.push(shelf.client.publishAsync(`${own}/${board}/telemetry/n`, String(i), { qos: 2 }))
    if (flights.length >= 20) await Promise.all(flights.splice(0))
    if (i % 250 === 200) listener.client.stream.destroy()
  }
  await Promise.all(flights)
  await until(
    () => heard.size === total,
    () => `all; heard ${heard.size}`,
  )
  await until(() => rig.broker.stats().queuedBytes === 0, 'the handshakes')
  t.same(
    [...heard].filter(([, times]) => times > 1),
    [],
  )
})

t.test('a QoS 2 message that is sent again is taken once', async t => {
  const rig = await BrokerRig.start(t)
  const watcher = await rig.connect()
  await watcher.client.subscribeAsync(`${own}/cmd/x`, { qos: 2 })
  const raw = await RawClient.open(t, rig.openPort)
  raw.send(connectPacket('twice', { flags: 0 }))
  await raw.gets(welcome)
  const said = publishPacket(`${own}/cmd/x`, '{}', { qos: 2, id: 9 })
  raw.send(said)
  await raw.gets('5002 0009')
  said[0] = 0x3c
  raw.send(said, packet(0x62, '\0\t'), packet(0x62, '\0\t'))
  await raw.gets('7002 0009 7002 0009')
  await rig.broker.ping()
  await until(() => watcher.on(`${own}/cmd/x`).length > 0, 'the message')
  t.equal(watcher.on(`${own}/cmd/x`).length, 1)
})

t.test('queues have caps, and what finds no room is counted', async t => {
  const { sessions } = memory()
  sessions.subscribe('desk/1', desk, [{ topic: 'a/#', qos: 1 }])
  for (let i = 0; i < sessionLimits.messages + 10; i++) sessions.enqueue('desk/1', message('a/b', i))
  t.equal(sessions.queue('desk/1')?.count, sessionLimits.messages)
  t.equal(sessions.dropped, 10)
  t.notOk(sessions.enqueue('nobody', message('a/b', 1)))
  sessions.end('desk/1')
  t.equal(sessions.sizeBytes, 0)
  sessions.subscribe('desk/2', desk, [{ topic: 'a/#', qos: 1 }])
  for (let i = 0; i < 15; i++) sessions.enqueue('desk/2', message('a/b', i, Buffer.alloc(150_000)))
  t.ok(sessions.sizeBytes <= sessionLimits.bytes)
  t.equal(sessions.queue('desk/2')?.count, 13)
  const many = memory().sessions
  for (let i = 0; i < 40; i++) {
    many.subscribe(`u${i}/1`, principal('watch', `u${i}`), [{ topic: 'a/#', qos: 1 }])
    for (let j = 0; j < 13; j++) many.enqueue(`u${i}/1`, message('a/b', j, Buffer.alloc(150_000)))
  }
  t.ok(many.sizeBytes <= sessionLimits.totalBytes)
})

t.test('sessions are few, and the one that waits longest gives way', async t => {
  const { clock, connected, sessions } = memory()
  for (let i = 0; i < sessionLimits.perPrincipal; i++) {
    sessions.subscribe(`desk/${i}`, desk, [{ topic: 'a', qos: 1 }])
    clock.advance(1000)
  }
  connected.add('desk/0')
  sessions.subscribe('desk/new', desk, [{ topic: 'a', qos: 1 }])
  t.equal(sessions.count, sessionLimits.perPrincipal)
  t.same(sessions.resume('desk/1'), [], 'the oldest without a connection')
  t.same(sessions.resume('desk/0'), [{ topic: 'a', qos: 1 }])
  for (let i = 0; i < 2 * sessionLimits.sessions; i++)
    sessions.subscribe(`u${i}/1`, principal('watch', `u${i}`), [{ topic: 'a', qos: 1 }])
  t.equal(sessions.count, sessionLimits.sessions)
  clock.advance(sessionLimits.lifetimeMs - 1)
  sessions.sweep()
  clock.advance(2)
  sessions.sweep()
  t.equal(sessions.count, 1, 'after a day only those are left that somebody uses')
  sessions.endAllOf('desk')
  t.equal(sessions.count, 0)
  for (let i = 0; i < 200; i++) sessions.subscribe('desk/x', desk, [{ topic: `f${i}`, qos: 0 }])
  t.equal(sessions.resume('desk/x').length, sessionLimits.filters)
  sessions.unsubscribe('desk/x', ['f0', 'nothing'])
  sessions.unsubscribe('nobody', ['f0'])
  t.equal(sessions.resume('desk/x').length, sessionLimits.filters - 1)
})

t.test('nothing is kept for a session that it may not read, nor for QoS 0', async t => {
  const { sessions } = memory()
  sessions.subscribe('desk/1', desk, [
    { topic: '#', qos: 1 },
    { topic: 'a/+', qos: 2 },
    { topic: 'q/0', qos: 0 },
  ])
  t.same(
    sessions.receivers('a/b'),
    [{ clientId: 'desk/1', topic: 'a/+', qos: 2 }],
    'once, with the higher QoS',
  )
  t.same(sessions.receivers('secret/b'), [])
  t.same(sessions.receivers('q/0'), [{ clientId: 'desk/1', topic: '#', qos: 1 }])
})

t.test('a queued message is found by its identity, then by its packet identifier', async t => {
  const { sessions } = memory()
  sessions.subscribe('desk/1', desk, [{ topic: '#', qos: 2 }])
  sessions.enqueue('desk/1', message('a', 1, 'x', 2))
  sessions.enqueue('desk/1', message('a', 2, 'x', 2))
  const queue = sessions.queue('desk/1')
  if (queue === undefined) throw new Error('no queue')
  const ack = (messageId: number | undefined): Outgoing => ({ cmd: 'puback', messageId })
  t.equal(queue.acknowledge(ack(undefined)), undefined, 'nothing that was not sent is acknowledged')
  t.ok(sessions.update('desk/1', { ...message('a', 2), messageId: 7 }))
  t.ok(sessions.update('desk/1', { cmd: 'pubrel', messageId: 7 }))
  t.ok(sessions.update('desk/1', { cmd: 'pubrel', messageId: 8 }), 'of one that is not known')
  t.equal(queue.count, 2)
  t.ok(
    queue.update({ cmd: 'pubrel', brokerId: 'b', brokerCounter: 99, messageId: 7 }),
    'again after a new connection',
  )
  t.match(queue.acknowledge(ack(7)), { cmd: 'pubrel', messageId: 7 })
  t.ok(sessions.update('desk/1', { ...message('late', 5), messageId: 11 }), 'one that was on its way already')
  t.match(queue.acknowledge(message('a', 1)), { topic: 'a' })
  t.match(queue.acknowledge(ack(11)), { topic: 'late' })
  t.equal(sessions.sizeBytes, 0)
  t.notOk(sessions.update('nobody', { ...message('a', 1), messageId: 1 }))
})

t.test('what was missed is sent in its order, what comes meanwhile behind it', async t => {
  const { sessions } = memory()
  sessions.subscribe('desk/1', desk, [{ topic: '#', qos: 1 }])
  for (let i = 1; i <= 3; i++) sessions.enqueue('desk/1', message('a', i))
  const queue = sessions.queue('desk/1')
  if (queue === undefined) throw new Error('no queue')
  t.same(sessions.resume('desk/1'), [{ topic: '#', qos: 1 }])
  t.ok(queue.replaying)
  const sent: number[] = []
  for await (const packet of queue.replay()) {
    sent.push(packet.brokerCounter ?? 0)
    if (sent.length === 1) sessions.enqueue('desk/1', message('a', 4))
    if (packet.brokerCounter === 2) queue.acknowledge(message('a', 3))
    setImmediate(() => queue.update({ ...packet, messageId: 100 + sent.length }))
  }
  t.same(sent, [1, 2, 4])
  t.notOk(queue.replaying)
  sessions.resume('desk/1')
  const broken = queue.replay()
  t.match(
    await broken.next(),
    { value: { brokerCounter: 1, messageId: 101 }, done: false },
    'with its identifier again',
  )
  const rest = broken.next()
  sessions.resume('desk/1')
  queue.left()
  t.match(await rest, { done: true }, 'it ends with its connection')
  t.equal(queue.count, 3)
  t.notOk(queue.replaying)
})

t.test('retained messages have a cap of number and of bytes', async t => {
  const retained = new RetainedMessages()
  for (let i = 0; i < 10_000; i++) retained.set(message(`t/${i}`, i))
  t.notOk(retained.set(message('one/more', 1)))
  t.ok(retained.set(message('t/0', 1, 'new')), 'what is there may change')
  t.ok(retained.set(message('t/1', 1, '')), 'and go')
  t.equal(retained.count, 9999)
  t.equal([...retained.matching(['t/0', 't/+'])].length, 9999, 'each once')
  const large = new RetainedMessages()
  let kept = 0
  while (large.set(message(`t/${kept}`, 1, Buffer.alloc(1024 * 1024)))) kept++
  t.equal(kept, 15)
  t.ok(large.sizeBytes <= 16 * 1024 * 1024)
})

t.test('commands are remembered for a minute, and a thousand of them at most', async t => {
  const clock = new VirtualClock()
  const recent = new RecentCommands(clock)
  const result = { correlationId: 1, command: 'play', ok: true }
  t.equal(recent.begin('a'), 'new')
  t.equal(recent.begin('a'), 'running')
  recent.end('a', result)
  t.same(recent.begin('a'), result)
  clock.advance(59_999)
  t.same(recent.begin('a'), result)
  clock.advance(2)
  t.equal(recent.begin('a'), 'new')
  for (let i = 0; i < 1024; i++) recent.begin(`k${i}`)
  t.equal(recent.begin('a'), 'new', 'the oldest gave way')
  recent.end('never begun', result)
  t.equal(recent.begin('never begun'), 'new')
})

t.test('the rate is that of the last ten seconds', async t => {
  const clock = new VirtualClock()
  const traffic = new Traffic(clock, () => undefined)
  for (let i = 0; i < 50; i++) traffic.count('in')
  t.equal(traffic.perSecond, 5)
  clock.advance(9000)
  traffic.count('out')
  t.equal(traffic.perSecond, 5.1)
  clock.advance(1000)
  t.equal(traffic.perSecond, 0.1)
  t.same([traffic.received, traffic.sent], [50, 1])
})

t.test('a job is told twice a second at most, its end at once, and is cleared ten minutes later', async t => {
  const clock = new VirtualClock()
  const bus = new Bus<GatewayEvents>()
  const said: { topic: string; message: { state?: string; percent?: number; bytes?: number } | undefined }[] =
    []
  const mirror = new JobMirror({
    core: { bus, uploads: { jobs: async () => ({ jobs: [], total: 0 }) } } as unknown as GatewayCore,
    topics: gatewayTopics(gw),
    clock,
    publisher: {
      retain: async (topic: string, said_: object | undefined) => void said.push({ topic, message: said_ }),
    } as never,
  })
  await mirror.start()
  const record = (id: string, state: JobRecord['state']) =>
    ({
      id: jobId(id),
      boardId: boardId(board),
      state,
      name: 'x',
      patternId: null,
      imageBytes: 1000,
      errorCode: null,
    }) as JobRecord
  const progress = (doneBytes: number) =>
    bus.emit('job.progress', {
      jobId: jobId('1'),
      boardId: boardId(board),
      phase: 'transferring',
      doneBytes,
      totalBytes: 1000,
      durableBlocks: 0,
      blocks: 1,
      bodyBytes: 100,
      lineShare: 0.9,
    })
  progress(1)
  bus.emit('job.changed', record('1', 'transferring'))
  for (let ms = 0; ms < 9990; ms += 10) {
    progress(ms / 10)
    clock.advance(10)
  }
  t.equal(said.length, 20)
  t.match(said.at(-1)?.message, { state: 'transferring', percent: 94, bytes: 949 })
  progress(1000)
  clock.advance(500)
  t.match(said.at(-1)?.message, { percent: 99 }, '100 is for what is proven')
  bus.emit('job.changed', record('1', 'done'))
  t.match(said.at(-1)?.message, { state: 'done', percent: 100, bytes: 1000, lineShare: 0.9 })
  const count = said.length
  bus.emit('job.changed', record('1', 'done'))
  progress(5)
  clock.advance(599_000)
  t.equal(said.length, count, 'the end is the last word')
  clock.advance(1001)
  t.same(said.at(-1), { topic: `${own}/${board}/upload/1/status`, message: undefined })
  for (let i = 0; i < 257; i++) bus.emit('job.changed', record(`n${i}`, 'done'))
  t.same(
    said.at(-1),
    { topic: `${own}/${board}/upload/n0/status`, message: undefined },
    'the oldest of 257 ends',
  )
  bus.emit('job.changed', record('2', 'queued'))
  progress(5)
  mirror.stop()
  const last = said.length
  clock.advance(1_000_000)
  t.equal(said.length, last, 'nothing is said after the stop')
})
