import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { PacketSplitter } from '../../src/broker/packets/packet-splitter.ts'
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
const utf8 = (...bytes: number[]) => Uint8Array.from(bytes)
const topicOf = (levels: number) => Array.from({ length: levels }, () => 'x').join('/')

/** What the splitter makes of the bytes: the clause that they break, or how many packets they are. */
function outcome(...chunks: readonly Uint8Array[]): string | number {
  const splitter = new PacketSplitter(4096)
  let packets = 0
  for (const chunk of chunks.map(Buffer.from)) {
    let at = 0
    for (;;) {
      const next = splitter.next(chunk, at)
      if (!next.ok) return next.fault.clause
      at = next.value.at
      if (next.value.packet === undefined) break
      packets++
    }
  }
  return packets
}

const hello = connectPacket('me')
const after = (hex: string) => outcome(hello, Buffer.from(hex.replaceAll(' ', ''), 'hex'))

t.test('each clause of MQTT 3.1.1 that a packet can break is held', async t => {
  const cases: readonly [clause: string, what: string, got: string | number][] = [
    ['MQTT-3.1.0-1', 'PINGREQ first', outcome(Buffer.from('c000', 'hex'))],
    ['MQTT-3.1.0-1', 'PUBLISH first', outcome(publishPacket('a'))],
    ['MQTT-3.1.0-2', 'CONNECT twice', outcome(hello, hello)],
    ['2.2.1', 'type 0', after('0000')],
    ['2.2.1', 'type 15', after('f000')],
    ['2.2.1', 'CONNACK from a client', after('20020000')],
    ['2.2.1', 'SUBACK from a client', after('9003000100')],
    ['2.2.1', 'PINGRESP from a client', after('d000')],
    ['MQTT-2.2.2-2', 'CONNECT with flags', outcome(packet(0x11, hello.subarray(2)))],
    ['MQTT-2.2.2-2', 'SUBSCRIBE without its flag', after('8006 0001 0001 61 00')],
    ['MQTT-2.2.2-2', 'PUBREL without its flag', after('60020001')],
    ['MQTT-2.2.2-2', 'PUBACK with flags', after('41020001')],
    ['2.2.3', 'a length of five bytes', after('30ffffffff01')],
    ['limit', '256 MiB', after('30ffffff7f')],
    ['limit', 'one byte more than the cap', after('30fe1f')],
    ['limit', '1,025 bytes before CONNECT', outcome(Buffer.from('10fe07', 'hex'))],
    ['MQTT-3.1.2-1', 'HTTP', outcome(packet(0x10, utf8(0, 4), 'HTTP', 4, 2, 0, 0, 0, 0))],
    ['2.2.3', 'CONNECT that ends early', outcome(packet(0x10, utf8(0, 4), 'MQTT'))],
    ['2.2.3', 'CONNECT without a payload', outcome(packet(0x10, utf8(0, 4), 'MQTT', 4, 2, 0, 60))],
    ['2.2.3', 'CONNECT cut off in its keep alive', outcome(packet(0x10, utf8(0, 4), 'MQTT', 4, 2, 0))],
    ['MQTT-3.1.2-2', 'level 5', outcome(connectPacket('a', { level: 5 }))],
    ['MQTT-3.1.2-2', 'level 0', outcome(connectPacket('a', { level: 0 }))],
    ['MQTT-3.1.2-3', 'the reserved flag', outcome(connectPacket('a', { flags: 3 }))],
    ['MQTT-3.1.2-13', 'QoS of a will without a will', outcome(connectPacket('a', { flags: 0x0a }))],
    ['MQTT-3.1.2-13', 'retain of a will without a will', outcome(connectPacket('a', { flags: 0x22 }))],
    ['MQTT-3.1.2-14', 'a will with QoS 3', outcome(connectPacket('a', { flags: 0x1e, payload: ['t', 'p'] }))],
    [
      'MQTT-3.1.2-22',
      'a password without a name',
      outcome(connectPacket('a', { flags: 0x42, payload: ['p'] })),
    ],
    ['MQTT-3.1.3-1', 'bytes after the end', outcome(connectPacket('a', { payload: ['more'] }))],
    ['MQTT-3.1.3-8', 'a lasting session without a client id', outcome(connectPacket('', { flags: 0 }))],
    ['limit', 'a client id of 129 bytes', outcome(connectPacket('x'.repeat(129)))],
    ['MQTT-1.5.3-1', 'U+0000 in a client id', outcome(connectPacket('a\0b'))],
    [
      'MQTT-1.5.3-1',
      'a surrogate in a user name',
      outcome(connectPacket('a', { flags: 0x82, payload: [utf8(0xed, 0xa0, 0x80)] })),
    ],
    [
      'MQTT-1.5.3-1',
      'a will topic that is not UTF-8',
      outcome(connectPacket('a', { flags: 6, payload: [utf8(0xff), 'p'] })),
    ],
    [
      'MQTT-3.3.2-2',
      'a wildcard in a will',
      outcome(connectPacket('a', { flags: 6, payload: ['a/#', 'p'] })),
    ],
    ['MQTT-4.7.3-1', 'a will without a topic', outcome(connectPacket('a', { flags: 6, payload: ['', 'p'] }))],
    ['MQTT-3.3.1-4', 'QoS 3', after('3605000161 0001')],
    ['MQTT-3.3.1-2', 'DUP with QoS 0', after('3803000161')],
    ['MQTT-4.7.3-1', 'an empty topic', outcome(hello, publishPacket(''))],
    ['MQTT-3.3.2-2', '# in a topic', outcome(hello, publishPacket('a/#'))],
    ['MQTT-3.3.2-2', '+ in a topic', outcome(hello, publishPacket('a/+/b'))],
    ['MQTT-1.5.3-1', 'U+0000 in a topic', outcome(hello, publishPacket('a\0'))],
    ['MQTT-1.5.3-1', 'a newline in a topic', outcome(hello, publishPacket('a\nb'))],
    ['MQTT-1.5.3-1', 'a C1 control in a topic', outcome(hello, publishPacket('a\u0085'))],
    ['MQTT-1.5.3-1', 'a surrogate in a topic', outcome(hello, publishPacket(utf8(0xed, 0xb0, 0x80)))],
    ['MQTT-1.5.3-1', 'an overlong slash', outcome(hello, publishPacket(utf8(0xc0, 0xaf)))],
    ['2.2.3', 'a topic beyond the end', after('3003 0005 61')],
    ['2.2.3', 'a PUBLISH without its identifier', after('3203 0001 61')],
    ['2.2.3', 'a PUBLISH without anything', after('3000')],
    ['MQTT-2.3.1-1', 'PUBLISH with identifier 0', outcome(hello, publishPacket('a', '', { qos: 1, id: 0 }))],
    ['MQTT-2.3.1-1', 'SUBSCRIBE with identifier 0', outcome(hello, subscribePacket(0, ['a', 0]))],
    ['MQTT-2.3.1-1', 'PUBACK with identifier 0', after('40020000')],
    ['3.4.1', 'a long PUBACK', after('4003000100')],
    ['3.4.1', 'a short PUBREC', after('500100')],
    ['limit', '17 levels', outcome(hello, publishPacket(topicOf(17)))],
    ['limit', 'a topic of 513 bytes', outcome(hello, publishPacket('x'.repeat(513)))],
    ['MQTT-3.8.3-3', 'SUBSCRIBE without a filter', outcome(hello, subscribePacket(1))],
    ['MQTT-3.8.3-4', 'a requested QoS of 3', outcome(hello, subscribePacket(1, ['a', 3]))],
    ['MQTT-3.8.3-4', 'reserved bits of a requested QoS', outcome(hello, subscribePacket(1, ['a', 0x80]))],
    ['MQTT-3.10.3-2', 'UNSUBSCRIBE without a filter', after('a2020001')],
    ['2.2.3', 'a filter without its QoS', after('8205 0001 0001 61')],
    ['MQTT-1.5.3-1', 'U+0000 in a filter', outcome(hello, subscribePacket(1, ['a\0', 0]))],
    ['MQTT-4.7.3-1', 'an empty filter', outcome(hello, subscribePacket(1, ['', 0]))],
    ['MQTT-4.7.1-2', '# in the middle', outcome(hello, subscribePacket(1, ['a/#/b', 0]))],
    ['MQTT-4.7.1-2', '# in a level', outcome(hello, subscribePacket(1, ['a#', 0]))],
    ['MQTT-4.7.1-3', '+ in a level', outcome(hello, subscribePacket(1, ['a+/b', 0]))],
    [
      'limit',
      '65 filters',
      outcome(hello, subscribePacket(1, ...Array.from({ length: 65 }, (_, i) => [`${i}`, 0] as const))),
    ],
    ['3.12, 3.14', 'PINGREQ with a body', after('c00100')],
    ['3.12, 3.14', 'DISCONNECT with a body', after('e00100')],
  ]
  for (const [clause, what, got] of cases) t.equal(got, clause, what)
})

t.test('what is well formed passes, however it is cut', async t => {
  const all = [
    connectPacket('ü😀', { flags: 0xf6, payload: ['will/topic', utf8(0, 255), 'name', utf8(0xff, 0)] }),
    publishPacket(topicOf(16), 'x'),
    publishPacket('a//b/', utf8(0, 0xff).toString(), { qos: 1, id: 65_535, retain: true }),
    publishPacket('\ufeffa', 'x'.repeat(4000)),
    subscribePacket(1, ['#', 2], ['+/+/#', 1], ['a/+', 0], ['/', 0]),
    packet(0xa2, utf8(0, 1, 0, 1, 97)),
    ...['40020001', '50020001', '62020001', '70020001', 'c000', 'e000'].map(hex => Buffer.from(hex, 'hex')),
  ]
  t.equal(outcome(...all), all.length)
  t.equal(outcome(connectPacket('a', { level: 3 })), 1, 'MQTT 3.1')
  t.equal(outcome(connectPacket('a', { level: 0x84 })), 1, 'a bridge of mosquitto')
  const bytes = Buffer.concat(all)
  fc.assert(
    fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 }), cuts => {
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
      return outcome(...chunks) === all.length
    }),
    { numRuns: 300 },
  )
  t.equal(outcome(...Array.from(bytes, byte => Buffer.from([byte]))), all.length, 'byte by byte')
})

t.test('whatever bytes come, a client is dropped or served, and the others do not notice', async t => {
  const rig = await BrokerRig.start(t)
  const healthy = await rig.connect()
  await healthy.client.subscribeAsync(`${own}/#`)
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(
      hello,
      publishPacket(`${own}/cmd/x`, '{}'),
      subscribePacket(1, ['#', 2]),
      Buffer.from('c000', 'hex'),
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(piece, { maxLength: 6 }), async (proper, pieces) => {
      const raw = await RawClient.open(t, rig.openPort)
      raw.send(...(proper ? [hello] : []), ...pieces)
      raw.socket.end()
      await raw.ends()
    }),
    { numRuns: 300 },
  )
  await healthy.client.publishAsync(`${own}/cmd/still`, '{}', { qos: 1 })
  await healthy.hears(`${own}/cmd/still/result`)
  t.same(
    rig.lines.filter(({ level }) => level === 'error'),
    [],
  )
  await until(() => rig.broker.stats().connections === 1, 'the others to be gone')
})

t.test('a violation is one line in the log, with the clause', async t => {
  const rig = await BrokerRig.start(t)
  const healthy = await rig.connect()
  const raw = await RawClient.open(t, rig.openPort)
  raw.send(hello)
  await raw.gets(welcome)
  raw.send(publishPacket('a/#'), publishPacket('a/#'))
  await raw.ends()
  const lines = rig.lines.filter(({ level }) => level === 'warn')
  t.equal(lines.length, 1)
  t.match(lines[0], {
    message: 'an MQTT client was cut off',
    fields: { clause: 'MQTT-3.3.2-2', address: '127.0.0.1' },
  })
  t.equal(rig.broker.stats().violations, 1)
  t.ok(healthy.client.connected)
})

t.test('refusals before CONNACK are answered with their return code', async t => {
  const rig = await BrokerRig.start(t)
  const answer = async (bytes: Uint8Array) => {
    const raw = await RawClient.open(t, rig.openPort)
    raw.send(bytes)
    await raw.ends()
    return raw.received
  }
  t.equal(await answer(connectPacket('a', { level: 5 })), '20020001', 'MQTT-3.1.2-2')
  t.equal(await answer(connectPacket('', { flags: 0 })), '20020002', 'MQTT-3.1.3-8')
  t.equal(await answer(connectPacket('x'.repeat(129))), '20020002')
  t.equal(await answer(packet(0x10, utf8(0, 4), 'HTTP', 4, 2, 0, 0, 0, 0)), '')
})

t.test(
  'what comes right behind CONNECT waits for CONNACK and is not lost, nor is it when the client leaves',
  async t => {
    const rig = await BrokerRig.start(t)
    const listener = await rig.connect()
    await listener.client.subscribeAsync(`${own}/cmd/+`, { qos: 1 })
    const raw = await RawClient.open(t, rig.openPort)
    const messages = Array.from({ length: 100 }, (_, i) =>
      publishPacket(`${own}/cmd/n`, `{"correlationId":${i}}`),
    )
    raw.send(Buffer.concat([hello, ...messages, Buffer.from('e000', 'hex')]))
    raw.socket.end()
    await until(() => listener.on(`${own}/cmd/n`).length === 100, 'all of them')
  },
)

t.test('a filter that is named twice gets two return codes, the last QoS counting', async t => {
  const rig = await BrokerRig.start(t)
  const raw = await RawClient.open(t, rig.openPort)
  raw.send(hello)
  await raw.gets(welcome)
  const many = Array.from({ length: 40 }, (_, i) => [`${own}/${'x'.repeat(20)}${i % 39}`, 1] as const)
  raw.send(
    subscribePacket(1, ['pixelgate/x', 0], [`${own}/b`, 2], ['pixelgate/x', 0], [`${own}/b`, 1]),
    subscribePacket(2, [`${own}/c`, 1]),
    subscribePacket(3, ...many),
  )
  await raw.gets('9006 0001 80018001')
  await raw.gets('9003 0002 01')
  await raw.gets(`902a 0003 ${'01'.repeat(40)}`)
  t.notOk(raw.closed)
})

t.test('a huge packet declared before CONNECT costs its sender the connection and nobody memory', async t => {
  const rig = await BrokerRig.start(t, { limits: { maxClients: 1000, maxClientsPerAddress: 1000 } })
  const open = async (bytes: Uint8Array) => {
    const raw = await RawClient.open(t, rig.port)
    raw.send(bytes)
    return raw
  }
  const before = process.memoryUsage().rss
  const declared = await Promise.all(
    Array.from({ length: 100 }, () => open(Buffer.from('10ffffff7f', 'hex'))),
  )
  await Promise.all(declared.map(raw => raw.ends()))
  const slow = await Promise.all(
    Array.from({ length: 300 }, () => open(Buffer.concat([Buffer.from('10fd07', 'hex'), Buffer.alloc(900)]))),
  )
  await until(() => rig.broker.stats().connections === 300, 'those that never finish')
  t.ok(process.memoryUsage().rss - before < 50 * 1024 * 1024)
  t.notOk(slow.some(raw => raw.closed))
})

t.test('connections have a cap, in all and from one address', async t => {
  const limited = async (limits: object) => {
    const rig = await BrokerRig.start(t, { limits })
    const clients = [await rig.connect(), await rig.connect()]
    const third = await RawClient.open(t, rig.openPort)
    await third.ends()
    t.equal(rig.broker.stats().refusedConnections, 1)
    t.equal(rig.logged(/too many MQTT connections/).length, 1)
    await clients[0]?.client.endAsync()
    await until(() => rig.broker.stats().connections === 1, 'the place')
    t.ok(await rig.connect(), 'a place that is left is free again')
    for (let i = 0; i < 20; i++) await (await RawClient.open(t, rig.openPort)).ends()
    t.equal(rig.logged(/too many MQTT connections/).length, 6, 'a flood does not flood the log')
  }
  await limited({ maxClients: 2 })
  await limited({ maxClientsPerAddress: 2 })
})

t.test('thousands of small messages in one piece are taken one after the other', async t => {
  const rig = await BrokerRig.start(t)
  const listener = await rig.connect()
  await listener.client.subscribeAsync('heard')
  const raw = await RawClient.open(t, rig.openPort)
  raw.send(hello)
  await raw.gets(welcome)
  const count = 9000
  const messages = Array.from({ length: count }, (_, i) =>
    publishPacket(i % 3 === 0 ? 'heard' : 'nobody', `${i}`),
  )
  raw.send(Buffer.concat([...messages, Buffer.from('c000', 'hex')]))
  await raw.gets('d000')
  await until(() => listener.heard.length === count / 3, 'every message')
  t.same(
    listener.on('heard'),
    Array.from({ length: count / 3 }, (_, i) => `${3 * i}`),
    'in their order [MQTT-4.6.0-6]',
  )
})

t.test('a client that sends too fast is read slower, and loses nothing', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock, limits: { maxMessagesPerSecond: 10 } })
  const raw = await RawClient.open(t, rig.openPort)
  raw.send(hello)
  await raw.gets(welcome)
  for (let i = 1; i <= 30; i++) raw.send(publishPacket(`${own}/cmd/x`, '{}', { qos: 1, id: i }))
  const acknowledged = () => raw.received.match(/4002/g)?.length ?? 0
  await until(() => acknowledged() === 9, 'what is allowed at once')
  const other = await rig.connect()
  await other.client.publishAsync(`${own}/cmd/x`, '{}', { qos: 1 })
  t.equal(acknowledged(), 9)
  for (let ms = 0; ms < 1000; ms += 50) {
    clock.advance(50)
    await new Promise(setImmediate)
  }
  await until(() => acknowledged() >= 19, 'ten more in a second')
  t.ok(acknowledged() <= 20)
  for (let ms = 0; ms < 2000; ms += 50) {
    clock.advance(50)
    await new Promise(setImmediate)
  }
  await until(() => acknowledged() === 30, 'the rest')
})

t.test('whoever keeps the broker waiting is cut off', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock })
  const silent = await RawClient.open(t, rig.port)
  const half = await RawClient.open(t, rig.port)
  half.send(hello.subarray(0, 5))
  const dripping = await RawClient.open(t, rig.openPort)
  dripping.send(hello)
  await dripping.gets(welcome)
  const idle = await rig.connect()
  dripping.send(publishPacket(`${own}/cmd/x`, 'xxx').subarray(0, 8))
  await idle.client.publishAsync(`${own}/cmd/x`, '{}', { qos: 1 })
  await until(() => rig.broker.stats().connections === 4, 'all to be there')
  clock.advance(10_000)
  await silent.ends()
  await half.ends()
  t.notOk(dripping.closed)
  clock.advance(50_000)
  await dripping.ends()
  t.ok(idle.client.connected, 'to say nothing is no fault')
  t.same(
    rig.logged(/was cut off/).map(({ fields }) => fields['reason']),
    ['not let in within 10 s', 'not let in within 10 s', 'a packet that is not complete within 60 s'],
  )
})

/** A subscriber that reads nothing any more. */
async function frozen(t: Test, rig: BrokerRig): Promise<RawClient> {
  const socket = connectSocket({ host: '127.0.0.1', port: rig.openPort })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  socket.write(connectPacket('frozen'))
  socket.write(subscribePacket(1, [`${own}/#`, 0]))
  await once(socket, 'data')
  socket.pause()
  return { socket } as RawClient
}

t.test('a subscriber that has frozen holds nobody up for long, and is dropped', async t => {
  const rig = await BrokerRig.start(t)
  const { username, password } = await rig.user('a', { boardId: 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' })
  const healthy = await rig.connect()
  const topic = `${own}/aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa/telemetry/n`
  await healthy.client.subscribeAsync(topic)
  await frozen(t, rig)
  await until(() => rig.broker.stats().clients === 2, 'both')
  const publisher = await rig.connect({ username: String(username), password: password ?? '', clientId: 'a' })
  let last = Date.now()
  let longestGapMs = 0
  healthy.client.on('message', () => {
    longestGapMs = Math.max(longestGapMs, Date.now() - last)
    last = Date.now()
  })
  const payload = Buffer.alloc(32 * 1024, 'x')
  let sent = 0
  while (rig.broker.stats().clients === 3 && sent < 2000) {
    await publisher.client.publishAsync(topic, payload)
    sent++
    if (sent % 20 === 0) await new Promise(setImmediate)
  }
  await until(() => rig.broker.stats().clients === 2, 'the frozen one to be dropped')
  for (let i = 0; i < 20; i++, sent++) await publisher.client.publishAsync(topic, payload)
  await until(() => healthy.on(topic).length === sent, 'every message at the healthy one')
  t.ok(longestGapMs < 2500, `longest gap ${longestGapMs} ms`)
})

t.test('a little that nobody takes is enough to be dropped after a while', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock })
  await frozen(t, rig)
  const control = await rig.connect()
  const payload = Buffer.alloc(200 * 1024, 'x')
  while (rig.broker.stats().violations === 0) {
    await control.client.publishAsync(`${own}/cmd/x`, payload, { qos: 1 })
    clock.advance(9000)
    await new Promise(setImmediate)
    clock.advance(2000)
  }
  t.match(rig.logged(/was cut off/)[0]?.fields['reason'], /takes nothing/)
  t.ok(control.client.connected)
})
