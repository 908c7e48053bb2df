import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import {
  BrokerRig,
  connectPacket,
  gw,
  publishPacket,
  RawClient,
  subscribePacket,
  until,
  welcome,
} from './broker-rig.ts'

import { connectBytes } from './conformance-peer.ts'

const own = `pixelgate/${gw}`
const boardId = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'
const telemetry = `${own}/${boardId}/telemetry/n`
const megabyte = 1024 * 1024
const many = { maxClients: 5000, maxClientsPerAddress: 5000, maxMessagesPerSecond: 1_000_000 }

async function publisherOf(rig: BrokerRig) {
  const { username, password } = await rig.user('a', { boardId })
  return rig.connect({ username: String(username), password: password ?? '', clientId: 'a' })
}

/** Subscribes, and reads nothing from then on. */
async function frozen(t: Test, rig: BrokerRig, name: string, qos = 0): Promise<Socket> {
  const socket = connectSocket({ host: '127.0.0.1', port: rig.openPort })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  socket.write(Buffer.concat([connectPacket(name), subscribePacket(1, [`${own}/#`, qos])]))
  await once(socket, 'data')
  socket.pause()
  return socket
}

t.test(
  '2,000 strangers who declare 256 MB each cost little, and those who are inside notice nothing',
  async t => {
    const rig = await BrokerRig.start(t, { limits: many, clock: new VirtualClock() })
    const listener = await rig.connect()
    await listener.client.subscribeAsync(telemetry)
    const publisher = await publisherOf(rig)
    const before = process.memoryUsage().rss
    const strangers: RawClient[] = []
    for (let i = 0; i < 2000; i += 100) {
      const opened = await Promise.all(Array.from({ length: 100 }, () => RawClient.open(t, rig.port)))
      // Half of them declare what is refused at once; the others what may be, and never send it.
      for (const [n, raw] of opened.entries()) raw.send(n % 2 === 0 ? '10ffffff7f' : '10fd07 0004 4d515454')
      strangers.push(...opened)
      await publisher.client.publishAsync(telemetry, String(i))
    }
    await until(() => strangers.filter(({ closed }) => closed).length === 1000, 'those who declare too much')
    await until(() => rig.broker.stats().connections === 1002, 'the others')
    await until(() => listener.on(telemetry).length === 20, 'every message')
    // With both ends of every connection in this process.
    const grownMb = (process.memoryUsage().rss - before) / megabyte
    t.ok(grownMb < 100, `${grownMb} MB`)
  },
)

t.test('50 subscribers that freeze are dropped, and a healthy one gets every message', async t => {
  const rig = await BrokerRig.start(t, { limits: many })
  const listener = await rig.connect()
  let heard = 0
  await listener.client.subscribeAsync(telemetry)
  listener.client.on('message', () => {
    heard++
    listener.heard.length = 0
  })
  for (let i = 0; i < 50; i++) await frozen(t, rig, `frozen-${i}`, i % 3)
  const publisher = await publisherOf(rig)
  const payload = Buffer.alloc(16 * 1024, 'x')
  const before = process.memoryUsage().rss
  let sent = 0
  while (rig.broker.stats().clients > 2 && sent < 5000) {
    await publisher.client.publishAsync(telemetry, payload, { qos: 1 })
    sent++
  }
  t.equal(rig.broker.stats().clients, 2, `the frozen ones are gone after ${sent} messages`)
  await until(
    () => heard === sent,
    () => `every message; ${heard} of ${sent} came`,
  )
  t.equal(rig.logged(/was cut off/).length, 50)
  const grownMb = (process.memoryUsage().rss - before) / megabyte
  t.ok(grownMb < 150, `${grownMb} MB for what 50 did not take`)
})

t.test(
  'a subscriber that reads but acknowledges nothing is dropped, and the others get every message',
  async t => {
    const rig = await BrokerRig.start(t, { limits: many })
    const silent = await RawClient.open(t, rig.openPort)
    silent.send(connectPacket('silent'))
    await silent.gets(welcome)
    silent.send(subscribePacket(1, [telemetry, 1]))
    await silent.gets('90030001')
    silent.socket.removeAllListeners('data')
    silent.socket.resume()
    const listener = await rig.connect()
    await listener.client.subscribeAsync(telemetry, { qos: 1 })
    const publisher = await publisherOf(rig)
    let sent = 0
    while (!silent.closed && sent < 30_000) {
      await Promise.all(
        Array.from({ length: 500 }, () => publisher.client.publishAsync(telemetry, 'x', { qos: 1 })),
      )
      sent += 500
    }
    t.ok(silent.closed, `after ${sent} messages`)
    await until(
      () => listener.heard.length === sent,
      () => `all; ${listener.heard.length} of ${sent} came`,
    )
  },
)

t.test('a slow subscriber that goes on reading is waited for, and gets every message', async t => {
  const rig = await BrokerRig.start(t, { limits: many })
  const slow = connectSocket({ host: '127.0.0.1', port: rig.openPort })
  t.teardown(() => slow.destroy())
  await once(slow, 'connect')
  slow.write(Buffer.concat([connectPacket('slow'), subscribePacket(1, [telemetry, 0])]))
  await once(slow, 'data')
  let bytes = 0
  let lastData = ''
  slow.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    lastData = (lastData + chunk.toString('latin1')).slice(-64)
    slow.pause()
    setTimeout(() => slow.resume(), 2)
  })
  const publisher = await publisherOf(rig)
  const payload = 'x'.repeat(32 * 1024)
  const count = 500
  const all = Array.from({ length: count }, (_, i) =>
    publisher.client.publishAsync(telemetry, `${payload}<${i}>`),
  )
  await Promise.all(all)
  await until(
    () => lastData.endsWith(`<${count - 1}>`),
    () => `the last one; ${bytes} bytes came`,
    60_000,
  )
  t.ok(bytes > count * payload.length)
  t.notOk(slow.destroyed)
})

t.test('a CONNECT that comes byte by byte is cut off after ten seconds', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock })
  const raw = await RawClient.open(t, rig.openPort)
  const hello = connectPacket('a client with a long name')
  for (let i = 0; !raw.closed && i < hello.length; i++) {
    raw.send(hello.subarray(i, i + 1))
    await new Promise(resolve => setTimeout(resolve, 5))
    clock.advance(1000)
  }
  await raw.ends()
  t.match(rig.logged(/was cut off/)[0]?.fields['reason'], /not let in within 10 s/)
})

t.test('a client that sends one byte a second has a minute for each packet', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock })
  const raw = await RawClient.open(t, rig.openPort)
  raw.send(connectPacket('a'))
  await raw.gets(welcome)
  const drip = async (bytes: Buffer) => {
    for (let i = 0; !raw.closed && i < bytes.length; i++) {
      raw.send(bytes.subarray(i, i + 1))
      await new Promise(resolve => setTimeout(resolve, 5))
      clock.advance(1000)
    }
  }
  for (let id = 1; id <= 3; id++) {
    await drip(publishPacket(`${own}/cmd/x`, '{}', { qos: 1, id }))
    await raw.gets(`4002000${id}`)
  }
  await drip(publishPacket(`${own}/cmd/x`, 'x'.repeat(100)))
  await raw.ends()
  t.match(rig.logged(/was cut off/)[0]?.fields['reason'], /not complete within 60 s/)
})

t.test(
  'a client whose packets always end within a piece that begins the next has a minute for each',
  async t => {
    const clock = new VirtualClock()
    const rig = await BrokerRig.start(t, { clock })
    const raw = await RawClient.open(t, rig.openPort)
    raw.send(connectPacket('a'))
    await raw.gets(welcome)
    const halves = (id: number) => {
      const bytes = publishPacket('a', 'x'.repeat(50), { qos: 1, id })
      return [bytes.subarray(0, 30), bytes.subarray(30)] as const
    }
    raw.send(halves(1)[0])
    for (let id = 1; id <= 15; id++) {
      const before = rig.broker.stats().messagesReceived
      raw.send(Buffer.concat([halves(id)[1], halves(id + 1)[0]]))
      await until(() => rig.broker.stats().messagesReceived > before || raw.closed, 'a whole packet')
      clock.advance(6000)
      await raw.gets(`400200${id.toString(16).padStart(2, '0')}`)
    }
    t.notOk(raw.closed, 'after 90 s')
    clock.advance(60_000)
    await raw.ends()
    t.match(rig.logged(/was cut off/)[0]?.fields['reason'], /not complete within 60 s/)
  },
)

t.test('keep alive does not count the time in which the broker reads nothing [MQTT-3.1.2-24]', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock, limits: { ...many, maxMessagesPerSecond: 2 } })
  const raw = await RawClient.open(t, rig.openPort)
  raw.send(connectBytes({ clientId: 'a', keepAlive: 1 }))
  await raw.gets(welcome)
  const count = 20
  raw.send(
    Buffer.concat(Array.from({ length: count }, (_, i) => publishPacket('a', '', { qos: 1, id: i + 1 }))),
  )
  raw.send('c000')
  const acknowledged = () => raw.received.match(/4002/g)?.length ?? 0
  for (let taken = 0; taken < count && !raw.closed; ) {
    clock.advance(100)
    await new Promise(setImmediate)
    taken = acknowledged()
  }
  for (let ms = 0; ms < 1000; ms += 100) {
    clock.advance(100)
    await new Promise(setImmediate)
  }
  await raw.gets('d000')
  t.equal(acknowledged(), count)
  clock.advance(1500)
  await raw.ends()
  t.match(rig.logged(/was cut off/)[0]?.fields['reason'], /silent for 1.5 s/, 'then it does')
})

t.test('acknowledgements that were asked for count against no rate; others do', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock, limits: { ...many, maxMessagesPerSecond: 20 } })
  const listener = await rig.connect()
  await listener.client.subscribeAsync(`${own}/cmd/x`, { qos: 2 })
  for (const name of ['b', 'c', 'd']) {
    const publisher = await rig.connect({ clientId: name })
    for (let i = 0; i < 10; i++)
      await publisher.client.publishAsync(`${own}/cmd/x`, `{"correlationId":"${name}${i}"}`)
  }
  await until(() => listener.heard.length === 30, 'more than the rate, without any time that passes')
  const raw = await RawClient.open(t, rig.openPort)
  raw.send(connectPacket('floods'))
  await raw.gets(welcome)
  raw.send(Buffer.concat([...Array.from({ length: 50 }, () => Buffer.of(0x40, 2, 0, 1)), Buffer.of(0xc0, 0)]))
  await new Promise(resolve => setTimeout(resolve, 50))
  t.notMatch(raw.received, /d000/)
  for (let ms = 0; ms < 3000; ms += 50) {
    clock.advance(50)
    await new Promise(setImmediate)
  }
  await raw.gets('d000')
})
