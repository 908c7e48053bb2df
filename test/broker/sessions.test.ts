import type { AedesPublishPacket } from 'aedes'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { BrokerLimits } from '../../src/broker/broker-limits.ts'
import { RecentCommands } from '../../src/broker/devices/recent-commands.ts'
import { RetainedMessages } from '../../src/broker/memory/retained-messages.ts'
import { maxLastingId, type Outgoing } from '../../src/broker/memory/session-queue.ts'
import { type Sessions, sessionLimits } from '../../src/broker/memory/sessions.ts'
import { SubscriptionTree } from '../../src/broker/memory/subscription-tree.ts'
import { UserQuota } from '../../src/broker/memory/user-quota.ts'
import { matches } from '../../src/broker/topics/topic-filter.ts'
import { Traffic } from '../../src/broker/traffic.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
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
import { databasePath, desk, openMemory } from './memory-rig.ts'

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

const mebibyte = 1024 * 1024
const hourMs = 3_600_000

async function kept(t: Test, limits: Partial<BrokerLimits> = {}) {
  const clock = new VirtualClock()
  const { memory, connected } = await openMemory(databasePath(t), { limits, clock })
  return { clock, connected, memory, sessions: memory.sessions, stats: () => memory.stats() }
}

/** As if somebody had published it. */
function place(sessions: Sessions, topic: string, payload: string | Buffer = 'x', qos: 0 | 1 | 2 = 1) {
  const packet = { topic, payload: Buffer.from(payload), qos }
  const placed = sessions.place(packet, sessions.matching(topic), true)
  return placed && { ...placed, payload: packet.payload }
}

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
  const { sessions, memory, stats } = await kept(t, {
    ...{ maxQueuedMessagesPerUser: 4096, maxQueuedBytesPerUser: 2 * mebibyte, maxQueuedBytes: 16 * mebibyte },
  })
  await sessions.subscribe('desk/1', desk, [{ topic: 'a/#', qos: 1 }])
  for (let i = 0; i < 4096 + 10; i++) place(sessions, 'a/b')
  t.equal(sessions.queue('desk/1')?.count, 4096)
  t.match(stats(), { droppedMessages: 10, queuedMessages: 4096, queuedShare: 1 })
  t.equal(place(sessions, 'nobody/here'), undefined)
  sessions.end('desk/1')
  t.match(stats(), { queuedBytes: 0, queuedMessages: 0 })
  await sessions.subscribe('desk/2', desk, [{ topic: 'a/#', qos: 1 }])
  for (let i = 0; i < 15; i++) place(sessions, 'a/b', Buffer.alloc(150_000))
  t.ok(stats().queuedBytes <= 2 * mebibyte)
  t.equal(sessions.queue('desk/2')?.count, 13)
  for (let i = 0; i < 40; i++) {
    const topic = `u/${i}`
    await sessions.subscribe(`u${i}/1`, principal('watch', `u${i}`), [{ topic, qos: 1 }])
    for (let j = 0; j < 13; j++) place(sessions, topic, Buffer.alloc(150_000))
  }
  t.ok(stats().queuedBytes <= 16 * mebibyte)
  t.equal(stats().queuedShare > 0.98, true)
  await memory.stop()
})

t.test('sessions are few, and the one that waits longest gives way', async t => {
  const { clock, connected, sessions } = await kept(t)
  for (let i = 0; i < sessionLimits.perPrincipal; i++) {
    void sessions.subscribe(`desk/${i}`, desk, [{ topic: 'a', qos: 1 }])
    clock.advance(1000)
  }
  connected.add('desk/0')
  void sessions.subscribe('desk/new', desk, [{ topic: 'a', qos: 1 }])
  t.equal(sessions.count, sessionLimits.perPrincipal)
  t.same(sessions.resume('desk/1'), [], 'the oldest without a connection')
  t.same(sessions.resume('desk/0'), [{ topic: 'a', qos: 1 }])
  for (let i = 0; i < 2 * sessionLimits.sessions; i++)
    void sessions.subscribe(`u${i}/1`, principal('watch', `u${i}`), [{ topic: 'a', qos: 1 }])
  t.equal(sessions.count, sessionLimits.sessions)
  clock.advance(24 * hourMs - 1)
  sessions.sweep()
  t.equal(sessions.count, sessionLimits.sessions)
  clock.advance(2)
  sessions.sweep()
  t.equal(sessions.count, 1, 'after a day only those are left that somebody uses')
  sessions.endAllOf('desk')
  t.equal(sessions.count, 0)
  for (let i = 0; i < 200; i++) void sessions.subscribe('desk/x', desk, [{ topic: `f${i}`, qos: 0 }])
  t.equal(sessions.resume('desk/x').length, sessionLimits.filters)
  void sessions.unsubscribe('desk/x', ['f0', 'nothing'])
  void sessions.unsubscribe('nobody', ['f0'])
  t.equal(sessions.resume('desk/x').length, sessionLimits.filters - 1)
})

t.test('nothing is kept for a session that it may not read, nor for QoS 0', async t => {
  const { sessions } = await kept(t)
  void sessions.subscribe('desk/1', desk, [
    { topic: '#', qos: 1 },
    { topic: 'a/+', qos: 2 },
    { topic: 'q/0', qos: 0 },
  ])
  const entries = (topic: string, qos: 0 | 1 | 2 = 2) =>
    place(sessions, topic, 'x', qos)?.entries.map(([{ clientId }, entry]) => [clientId, entry.qos])
  t.same(entries('a/b'), [['desk/1', 2]], 'once, with the higher QoS')
  t.equal(entries('secret/b'), undefined)
  t.same(entries('q/0'), [['desk/1', 1]])
  t.equal(entries('q/0', 0), undefined)
})

t.test('a queued message is found by its payload, then by its packet identifier', async t => {
  const { sessions, stats } = await kept(t)
  void sessions.subscribe('desk/1', desk, [{ topic: '#', qos: 2 }])
  const [first, second] = [place(sessions, 'a', 'x', 2), place(sessions, 'b', 'x', 2)]
  const queue = sessions.queue('desk/1')
  if (queue === undefined || first === undefined || second === undefined) throw new Error('no queue')
  t.equal(queue.idToSend(second.payload), undefined, 'not before it is on the disk')
  sessions.settle(first, true)
  sessions.settle(second, true)
  t.equal(queue.idToSend(Buffer.from('x')), undefined, 'the same bytes are another message')
  const id = queue.idToSend(second.payload)
  if (id === undefined) throw new Error('no identifier')
  const entry = queue.byPayload(second.payload)
  if (entry !== undefined) queue.sent(entry, {})
  t.equal(queue.idToSend(second.payload), undefined, 'not twice')
  await sessions.release('desk/1', id)
  await sessions.release('desk/1', 999)
  t.equal(queue.count, 2)
  t.match(sessions.acknowledge('desk/1', id), { cmd: 'pubrel', messageId: id })
  t.equal(sessions.acknowledge('desk/1', id), undefined)
  t.equal(sessions.acknowledge('nobody', id), undefined)
  const passing = queue.passingId()
  t.ok(passing > maxLastingId, 'what is not kept has identifiers of its own')
  t.not(queue.passingId(), passing)
  t.equal(stats().queuedMessages, 1)
})

t.test('what was missed is sent in its order, what comes meanwhile behind it', async t => {
  const { sessions } = await kept(t)
  void sessions.subscribe('desk/1', desk, [{ topic: '#', qos: 1 }])
  const settled = (topic: string) => {
    const placed = place(sessions, topic)
    if (placed === undefined) throw new Error('not placed')
    sessions.settle(placed, true)
    return placed
  }
  const client = {}
  settled('1')
  settled('2')
  const third = settled('3')
  const queue = sessions.queue('desk/1')
  if (queue === undefined) throw new Error('no queue')
  t.same(sessions.resume('desk/1'), [{ topic: '#', qos: 1 }])
  t.ok(queue.replaying)
  const sent: unknown[] = []
  const send = (packet: Outgoing, by: object) => {
    const entry = queue.byId(packet.messageId ?? 0)
    if (entry !== undefined) queue.sent(entry, by)
  }
  let late: ReturnType<typeof place>
  for await (const packet of queue.replay(client)) {
    const { topic } = packet as Outgoing & { topic: string }
    sent.push(topic)
    if (topic === '1') {
      settled('4')
      late = place(sessions, '5')
    }
    if (topic === '2') sessions.acknowledge('desk/1', third.entries[0]?.[1].packetId ?? 0)
    if (topic === '4' && late !== undefined) {
      const placed = late
      setImmediate(() => sessions.settle(placed, true))
    }
    send(packet, {})
    setImmediate(() => send(packet, client))
  }
  t.same(sent, ['1', '2', '4', '5'], 'and what waits for the disk when it is there')
  t.notOk(queue.replaying)
  sessions.resume('desk/1')
  const broken = queue.replay(client)
  t.match(
    await broken.next(),
    { value: { topic: '1', messageId: 1, dup: true }, done: false },
    'with its identifier again',
  )
  const rest = broken.next()
  sessions.resume('desk/1')
  queue.left()
  t.match(await rest, { done: true }, 'it ends with its connection')
  t.equal(queue.count, 4)
  t.notOk(queue.replaying)
})

t.test('retained messages have caps of number and of bytes, of all and of each user', async t => {
  const limits = { bytes: 16 * mebibyte, rows: 10_000, bytesPerUser: mebibyte, rowsPerUser: 5 }
  const quota = new UserQuota(limits)
  const retained = new RetainedMessages(quota)
  const own = (packet: AedesPublishPacket) => retained.set(packet, undefined).kept
  for (let i = 0; i < 10_000; i++) own(message(`t/${i}`, i))
  t.notOk(own(message('one/more', 1)))
  t.ok(own(message('t/0', 1, 'new')), 'what is there may change')
  t.ok(own(message('t/1', 1, '')), 'and go')
  t.equal(retained.count, 9999)
  t.equal([...retained.matching(['t/0', 't/+'])].length, 9999, 'each once')
  t.equal(quota.refused, 1)
  const large = new RetainedMessages(new UserQuota(limits))
  let count = 0
  while (large.set(message(`t/${count}`, 1, Buffer.alloc(mebibyte)), undefined).kept) count++
  t.equal(count, 15)
  t.ok(large.sizeBytes <= 16 * mebibyte)
  const users = new RetainedMessages(new UserQuota(limits))
  for (let i = 0; i < 5; i++) t.ok(users.set(message(`a/${i}`, i), 'a').kept)
  t.notOk(users.set(message('a/5', 1), 'a').kept)
  t.ok(users.set(message('b/5', 1), 'b').kept)
  t.same(users.ownedBy('b'), ['b/5'])
  t.same(users.set(message('b/5', 1, Buffer.alloc(mebibyte)), 'b'), {
    kept: false,
    changes: [{ name: 'unretain', args: ['b/5'] }],
  })
  t.same(users.ownedBy('b'), [], 'what does not fit leaves nothing behind that is no longer true')
})

t.test('filters are matched as the standard has it', async t => {
  const tree = new SubscriptionTree()
  const level = fc.constantFrom('a', 'b', '', '$s')
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map(levels => levels.join('/'))
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 12 }), fc.array(topic, { maxLength: 6 }), (filters, topics) => {
      const unique = new Set(filters)
      for (const each of unique) tree.add({ clientId: 'x', topic: each, qos: 1 })
      for (const each of topics) {
        const found = tree.match(each).map(({ topic }) => topic)
        t.same(new Set(found), new Set([...unique].filter(filter => matches(filter, each))), each)
      }
      for (const each of unique) tree.remove(each, 'x')
      return tree.size === 0 && tree.match('a').length === 0
    }),
    { numRuns: 300 },
  )
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
