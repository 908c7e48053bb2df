import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { ProtocolLevel } from '../../src/broker/upstream/connection-machine.ts'
import { sessionOpener } from '../../src/broker/upstream/open-session.ts'
import { PacketMeter } from '../../src/broker/upstream/packet-meter.ts'
import type { SessionEnd } from '../../src/broker/upstream/remote-session.ts'
import { gw, packet, publishPacket, until } from '../broker/broker-rig.ts'
import { freePort, Mosquitto, noMosquitto } from './mosquitto.ts'
import { settingsOf, UpstreamRig, Watcher } from './upstream-rig.ts'

const noSecrets = { user: null, password: null, ca: null, cert: null, key: null }

/** A broker that answers as the test says; a chunk is one packet as long as each waits for its answer. */
async function scripted(t: Test, answers: (chunk: Buffer, socket: Socket) => void) {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', chunk => answers(chunk, socket))
  })
  const port = await freePort()
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `mqtt://127.0.0.1:${port}`, sockets }
}

const requestOf = (url: string, level: ProtocolLevel) => ({
  ...{ url, level, clientId: 'x', filters: ['room/#'], secrets: noSecrets },
  will: { topic: 'status', payload: 'offline' },
})

const connack = { 4: packet(0x20, 0, 0), 5: packet(0x20, 0, 0, 0) }

t.test('a broker above that does not answer SUBSCRIBE is left', async t => {
  for (const level of [5, 4] as const) {
    const { url, sockets } = await scripted(t, ([first], socket) => {
      if (first === 0x10) socket.write(connack[level])
    })
    const opening = sessionOpener({ maxPacketBytes: 1000, answerTimeoutMs: 50 })(requestOf(url, level), {
      onMessage: async () => undefined,
      onEnd: () => undefined,
    })
    await t.rejects(opening, { message: /SUBSCRIBE/, version: false })
    await until(() => sockets.every(({ destroyed }) => destroyed), 'the end of the connection')
  }
})

t.test('a message from above that is far too long is not read to its end', async t => {
  const announced = Buffer.concat([Buffer.from([0x32, 0x80, 0x80, 0x80, 0x20]), Buffer.alloc(10_000)])
  const { url, sockets } = await scripted(t, (chunk, socket) => {
    if (chunk[0] === 0x10) socket.write(connack[4])
    if (chunk[0] === 0x82) socket.write(packet(0x90, chunk.subarray(2, 4), 1))
  })
  const ends: SessionEnd[] = []
  const heard: number[] = []
  await sessionOpener({ maxPacketBytes: 1000 })(requestOf(url, 4), {
    onMessage: async ({ payload }) => void heard.push(payload.length),
    onEnd: end => ends.push(end),
  })
  const [socket] = sockets
  socket?.write(publishPacket('room/1', 'x'.repeat(2000), { qos: 1 }))
  await until(() => heard.length === 1, 'a message that is only somewhat too long')
  socket?.write(announced)
  await until(() => ends.length === 1, 'the end of the session')
  t.match(ends, [{ byEngine: false, reason: /67108864 bytes/ }])
  t.same(heard, [2000])
})

t.test('the length of a packet is known from its header, however it is cut into chunks', async t => {
  const bytes = Buffer.concat(
    [0, 1, 127, 128, 16_384].flatMap(length => [packet(0x30, Buffer.alloc(length, 255)), packet(0xd0)]),
  )
  for (const size of [1, 2, 3, 7, 1000, bytes.length]) {
    const meter = new PacketMeter()
    const seen: number[] = []
    for (let at = 0; at < bytes.length; at += size) {
      const longest = meter.longest(bytes.subarray(at, at + size))
      if (longest > 0) seen.push(longest)
    }
    const all = [1, 127, 128, 16_384]
    t.same(size === bytes.length ? seen : seen.slice(-1), [16_384])
    if (size < 3) t.same(seen, all)
  }
})

t.test('what is too large does not come down, and what is behind it does', { skip: noMosquitto }, async t => {
  for (const protocol of [5, 4] as const) {
    const above = await Mosquitto.start(t)
    const watcher = await Watcher.on(t, above.url)
    const up = await UpstreamRig.start(t, [settingsOf({ url: above.url, protocol, in: ['room/#'] })], {
      maxPacketBytes: 10_000,
    })
    await up.online()
    const ear = await up.rig.connect()
    await ear.client.subscribeAsync('room/#', { qos: 1 })
    for (const length of [20_000, 9_000, 3])
      await watcher.client.publishAsync(`room/${length}`, 'x'.repeat(length), { qos: 1 })
    await ear.hears('room/3', 'xxx')
    t.same(
      ear.heard.map(({ text }) => text.length),
      [9_000, 3],
    )
    t.match(up.view, { state: 'online', connections: 1, received: 2, refused: protocol === 4 ? 1 : 0 })
  }
})

t.test('a broker above that retains nothing is told without RETAIN', { skip: noMosquitto }, async t => {
  const above = await Mosquitto.start(t, () => ['retain_available false'])
  const watcher = await Watcher.on(t, above.url)
  const up = await UpstreamRig.start(t, [settingsOf({ url: above.url, protocol: 5 })])
  await up.online()
  await watcher.hears(`pixelgate/${gw}/info`, /1\.2\.3/)
  await up.drained()
  t.equal(up.view.connections, 1)
  t.same(up.view.setAside, [])
})
