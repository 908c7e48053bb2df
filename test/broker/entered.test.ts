import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { Listener, until } from './broker-rig.ts'

/** Answers the first packet with these bytes, in one write. */
async function answering(t: Test, ...packets: readonly Uint8Array[]): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write(Buffer.concat(packets)))
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

t.test('a client of these tests hears what comes in one chunk with the CONNACK', async t => {
  const publish = (id: number) => Buffer.from([0x32, 6, 0, 1, 0x61, 0, id, 0x30 + (id % 10)])
  const kept = Array.from({ length: 20 }, (_, i) => publish(i + 1))
  const port = await answering(t, Buffer.from([0x20, 2, 1, 0]), ...kept)
  const listener = await Listener.connect(t, { port })
  await until(
    () => listener.on('a').length === 20,
    () => `${listener.on('a').length} of 20`,
  )
})

t.test('and is told why it is not let in', async t => {
  const port = await answering(t, Buffer.from([0x20, 2, 0, 5]))
  await t.rejects(Listener.connect(t, { port }), { code: 5 })
})
