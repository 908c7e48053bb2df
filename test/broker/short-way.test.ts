import fc from 'fast-check'
import t from 'tap'
import { EncodedPublish } from '../../src/broker/packets/encoded-publish.ts'
import { FilterTree } from '../../src/broker/topics/filter-tree.ts'
import { matches } from '../../src/broker/topics/topic-filter.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import {
  BrokerRig,
  connectPacket,
  gw,
  packet,
  publishPacket,
  RawClient,
  subscribePacket,
  until,
  welcome,
} from './broker-rig.ts'

const own = `pixelgate/${gw}`
const topic = `${own}/cmd/x`
const boardId = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'
const telemetry = `${own}/${boardId}/telemetry/n`

async function letIn(rig: BrokerRig, name = 'raw'): Promise<RawClient> {
  const raw = await RawClient.open(rig.t, rig.openPort)
  raw.send(connectPacket(name))
  await raw.gets(welcome)
  return raw
}

const level = fc.constantFrom('a', 'b', '', '$SYS')
const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map(levels => levels.join('/'))
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => [...levels, ...(rest || levels.length === 0 ? ['#'] : [])].join('/'))

t.test('filters are found in the tree exactly where they fit by §4.7, and leave nothing behind', async () => {
  const bySpelling = (filter: string, topic: string) => {
    const pattern = filter
      .split('/')
      .map(each => (each === '+' ? '[^/]*' : each.replaceAll('$', '\\$')))
      .join('/')
      .replace(/(^|\/)#$/, (_, slash) => (slash === '' ? '.*' : '(/.*)?'))
    return new RegExp(`^${pattern}$`).test(topic)
  }
  fc.assert(
    fc.property(fc.uniqueArray(filters, { maxLength: 12 }), topics, fc.nat(), (all, topic, seed) => {
      const tree = new FilterTree<string>()
      for (const filter of all) tree.add(filter, filter)
      const gone = all.filter((_, i) => ((seed >> i) & 1) === 1)
      for (const filter of gone) tree.remove(filter, filter)
      const left = all.filter(filter => !gone.includes(filter))
      const fitting = left.filter(filter => bySpelling(filter, topic)).sort()
      const ofServer = (filter: string) => topic.startsWith('$') && !filter.startsWith('$')
      return (
        JSON.stringify(tree.match(topic).sort()) === JSON.stringify(fitting) &&
        left.every(filter => matches(filter, topic) === (fitting.includes(filter) && !ofServer(filter)))
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('a message is encoded as the standard has it, whatever its size', async t => {
  for (const length of [0, 1, 90, 127, 128, 4095, 4096, 20_000, 70_000]) {
    const payload = Buffer.alloc(length, 'y')
    const message = new EncodedPublish('a/ü', payload)
    for (const qos of [0, 1, 2] as const) {
      const { bytes, idAt } = message.head(qos)
      const whole = Buffer.concat([bytes, message.tail.bytes])
      if (qos > 0) whole.writeUInt16BE(0x1234, idAt)
      t.same(
        whole,
        publishPacket('a/ü', payload.toString(), { qos, id: 0x1234 }),
        `${length} bytes, QoS ${qos}`,
      )
    }
  }
})

t.test('messages of every QoS in one piece all arrive, those of one QoS in their order', async t => {
  const rig = await BrokerRig.start(t, { limits: { maxMessagesPerSecond: 100_000 } })
  for (const clean of [true, false]) {
    const listener = await rig.connect({ clientId: `hears${clean}`, clean })
    await listener.client.subscribeAsync(`${own}/+/telemetry/#`, { qos: 2 })
    const name = `board-${clean}`
    const raw = await RawClient.open(t, rig.port)
    const id = clean ? boardId : boardId.replaceAll('a', 'b')
    const { username, password } = await rig.user(name, { boardId: id })
    raw.send(connectPacket(id, { flags: 0xc2, payload: [String(username), String(password)] }))
    await raw.gets(welcome)
    const count = 300
    const sent = Array.from({ length: count }, (_, i) => ({ qos: i % 3, body: `${i}` }))
    const topic = `${own}/${id}/telemetry/n`
    raw.send(Buffer.concat(sent.map(({ qos, body }, i) => publishPacket(topic, body, { qos, id: i + 1 }))))
    await until(
      () => listener.on(topic).length >= count,
      () => `all; ${listener.on(topic).length} came`,
    )
    const of = (qos: number) => listener.heard.filter(each => each.topic === topic && each.qos === qos)
    for (const qos of [0, 1, 2])
      t.same(
        of(qos).map(({ text }) => text),
        sent.filter(each => each.qos === qos).map(({ body }) => body),
        `QoS ${qos}, clean ${clean}`,
      )
  }
})

t.test('what comes right behind SUBSCRIBE is heard by the one who subscribed', async t => {
  const rig = await BrokerRig.start(t)
  const raw = await letIn(rig)
  raw.send(Buffer.concat([subscribePacket(7, [topic, 0]), publishPacket(topic, '{"correlationId":"mine"}')]))
  await raw.gets('9003000700')
  await raw.gets(publishPacket(topic, '{"correlationId":"mine"}').toString('hex'))
})

t.test('a QoS 2 message is delivered once, however often it is sent before its PUBREL', async t => {
  const rig = await BrokerRig.start(t)
  const listener = await rig.connect()
  await listener.client.subscribeAsync(topic, { qos: 2 })
  const raw = await letIn(rig)
  const body = '{"correlationId":"q"}'
  const again = publishPacket(topic, body, { qos: 2, id: 9 })
  const dup = Buffer.from(again)
  dup[0] = 0x3c
  raw.send(again, dup, dup)
  await until(() => (raw.received.match(/50020009/g) ?? []).length >= 2, 'PUBREC again')
  raw.send('62020009')
  await raw.gets('70020009')
  raw.send('62020009')
  await until(
    () => (raw.received.match(/70020009/g) ?? []).length === 2,
    'PUBCOMP for a PUBREL that is repeated',
  )
  raw.send(publishPacket(topic, body, { qos: 2, id: 9 }), '62020009')
  await until(() => listener.on(topic).length === 2, 'the identifier to be free again')
  await listener.client.publishAsync(topic, 'last', { qos: 1 })
  await listener.hears(topic, 'last')
  t.equal(listener.on(topic).length, 3)
})

t.test('whoever leaves 1,000 QoS 2 messages without PUBREL is cut off', async t => {
  const rig = await BrokerRig.start(t, { limits: { maxMessagesPerSecond: 100_000 } })
  const raw = await letIn(rig)
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => publishPacket(topic, '{}', { qos: 2, id: i + 1 }))
  raw.send(Buffer.concat(many(1000)))
  await raw.gets('500203e8')
  t.notOk(raw.closed)
  raw.send(publishPacket(topic, '{}', { qos: 2, id: 1001 }))
  await raw.ends()
})

t.test('packet identifiers of what is not acknowledged are not used again', async t => {
  const rig = await BrokerRig.start(t, { limits: { maxMessagesPerSecond: 1_000_000 } })
  const { username, password } = await rig.user('a', { boardId })
  const publisher = await rig.connect({ username: String(username), password: password ?? '', clientId: 'a' })
  const raw = await letIn(rig)
  raw.send(subscribePacket(1, [telemetry, 1]))
  await raw.gets('90030001')
  const identifiers: number[] = []
  let rest = Buffer.alloc(0)
  raw.socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    const size = publishPacket(telemetry, 'x', { qos: 1 }).length
    const answers: Buffer[] = []
    for (; rest.length >= size; rest = rest.subarray(size)) {
      const id = rest.readUInt16BE(size - 3)
      identifiers.push(id)
      // The first one is never acknowledged.
      if (identifiers.length > 1) answers.push(Buffer.of(0x40, 2, id >> 8, id & 255))
    }
    raw.socket.write(Buffer.concat(answers))
  })
  for (let sent = 0; sent < 70_000; sent += 1000) {
    const burst = Array.from({ length: 1000 }, () =>
      publisher.client.publishAsync(telemetry, 'x', { qos: 1 }),
    )
    await Promise.all(burst)
  }
  await until(
    () => identifiers.length === 70_000,
    () => `all; ${identifiers.length} came`,
  )
  t.equal(identifiers.filter(id => id === identifiers[0]).length, 1)
  t.notOk(identifiers.includes(0))
})

t.test(
  'a client is silent for no longer than one and a half times its keep alive [MQTT-3.1.2-24]',
  async t => {
    const clock = new VirtualClock()
    const rig = await BrokerRig.start(t, { clock })
    const { username, password } = await rig.user('a', { boardId })
    const listener = await rig.connect()
    await listener.client.subscribeAsync(`${own}/+/telemetry/#`)
    const raw = await RawClient.open(t, rig.port)
    const hello = connectPacket(boardId, {
      flags: 0xc6,
      payload: [telemetry, 'my will', String(username), String(password)],
    })
    hello.writeUInt16BE(10, hello.indexOf('MQTT') + 6)
    raw.send(hello)
    await raw.gets(welcome)
    for (const said of [
      publishPacket(telemetry, '1'),
      packet(0xc0),
      publishPacket(telemetry, '2', { qos: 1 }),
    ]) {
      clock.advance(14_000)
      await new Promise(setImmediate)
      raw.send(said)
      const before = rig.broker.stats().messagesReceived
      if (said[0] === 0xc0) await raw.gets('d000')
      else await until(() => rig.broker.stats().messagesReceived > before, 'what it says')
      t.notOk(raw.closed)
    }
    clock.advance(15_100)
    await raw.ends()
    await listener.hears(telemetry, 'my will')
  },
)
