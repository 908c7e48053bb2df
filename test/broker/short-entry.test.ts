import { type EventEmitter, once } from 'node:events'
import { Duplex } from 'node:stream'
import { Aedes, type AedesOptions, type Client } from 'aedes'
import t, { type Test } from 'tap'
import { enterAtOnce, mayEnterAtOnce } from '../../src/broker/short-entry.ts'
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

/** What a client's socket would be, with all that is written to it. */
class Wire extends Duplex {
  written = Buffer.alloc(0)

  override _read(): void {
    // Pushed from outside.
  }

  override _write(bytes: Buffer, _encoding: unknown, done: () => void): void {
    this.written = Buffer.concat([this.written, bytes])
    done()
  }
}

interface Entered {
  readonly connected: object
  readonly left: object
  readonly written: string
  readonly events: readonly string[]
}

/** Connects once; `short`: past the steps of aedes. */
async function enter(t: Test, short: boolean, bytes: Uint8Array): Promise<Entered> {
  const events: string[] = []
  const preConnect: AedesOptions['preConnect'] = (client, given, done) => {
    if (!short) return done(null, true)
    t.ok(mayEnterAtOnce(client, given, () => false))
    enterAtOnce(client, given)
    process.nextTick(done, null, false)
  }
  const aedes = await Aedes.createBroker({ preConnect })
  t.teardown(() => aedes.close())
  const emitter: EventEmitter = aedes
  for (const event of ['client', 'connackSent', 'clientReady', 'clientDisconnect', 'clientError'])
    emitter.on(event, () => events.push(event))
  const wire = new Wire()
  const client = aedes.handle(wire)
  const ready = once(aedes, 'clientReady')
  wire.push(bytes)
  await ready
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  const written = wire.written.toString('hex')
  const connected = facts(client)
  wire.push(Buffer.of(0xe0, 0))
  await until(() => events.includes('clientDisconnect'), 'the end')
  return { connected, left: facts(client), written, events }
}

/** Everything about a client that is no part of something else. */
const facts = (client: Client): object =>
  Object.fromEntries(
    Object.entries(client)
      .filter(([name, value]) => name !== '_nextId' && typeof value !== 'function')
      .map(([name, value]) => [name, value !== null && typeof value === 'object' ? typeof value : value]),
  )

t.test('a client let in the short way is as aedes leaves it behind, and so is what it hears', async t => {
  for (const bytes of [connectPacket('a'), connectPacket('b', { level: 3 })]) {
    const [long, short] = [await enter(t, false, bytes), await enter(t, true, bytes)]
    t.equal(short.written, welcome.replaceAll(' ', ''))
    t.equal(short.written, long.written)
    t.same(short.events, long.events)
    t.match(short.connected, { connected: true, connecting: false, connackSent: true, _authorized: true })
    t.same(short.connected, long.connected)
    t.same(short.left, long.left)
  }
})

t.test('whoever has a will, a session or a connection of before goes aedes’ way', async t => {
  const client = { broker: { closed: false, clients: { there: {} } } } as unknown as Client
  const ask = (given: object, knows = false) =>
    mayEnterAtOnce(client, { cmd: 'connect', clientId: 'x', clean: true, ...given } as never, () => knows)
  t.equal(ask({}), true)
  t.equal(ask({ clean: false }), false)
  t.equal(ask({ will: { topic: 'x', payload: '', qos: 0, retain: false } }), false)
  t.equal(ask({ clientId: 'there' }), false)
  t.equal(ask({}, true), false)
  const closed = { broker: { closed: true, clients: {} } } as unknown as Client
  t.equal(
    mayEnterAtOnce(closed, { cmd: 'connect', clientId: 'x', clean: true } as never, () => false),
    false,
  )
})

t.test('all that a client says in its life may come in one piece', async t => {
  const rig = await BrokerRig.start(t)
  const topic = `pixelgate/${gw}/cmd/x`
  const listener = await rig.connect()
  await listener.client.subscribeAsync(topic, { qos: 2 })
  const raw = await RawClient.open(t, rig.openPort)
  const subscribe = subscribePacket(7, [topic, 1])
  const [ping, disconnect] = [packet(0xc0), packet(0xe0)]
  const life = [
    connectPacket('brief'),
    subscribe,
    publishPacket(topic, 'first', { qos: 1, id: 1 }),
    publishPacket(topic, 'second', { qos: 2, id: 2 }),
    ping,
    disconnect,
    publishPacket(topic, 'too late', { qos: 1, id: 3 }),
  ]
  raw.send(Buffer.concat(life))
  await raw.ends()
  t.match(raw.received, /^200200009003000701/, 'CONNACK, SUBACK')
  for (const answer of ['40020001', '50020002', 'd000']) t.match(raw.received, new RegExp(answer))
  await until(() => rig.broker.stats().clients === 1, 'its end')
  await until(() => listener.on(topic).length === 2, 'both messages')
  t.same(
    listener.on(topic).map(payload => payload.toString()),
    ['first', 'second'],
  )
})

t.test('a name is free for the next connection at once, however the last one ended', async t => {
  const rig = await BrokerRig.start(t)
  for (let n = 0; n < 40; n++) {
    const raw = await RawClient.open(t, rig.openPort)
    raw.send(connectPacket('again'))
    await raw.gets(welcome)
    if (n % 2 === 0) raw.send('e0 00')
    else raw.socket.destroy()
  }
  const last = await RawClient.open(t, rig.openPort)
  last.send(connectPacket('again'))
  await last.gets(welcome)
  last.send('c0 00')
  await last.gets('d0 00')
  t.equal(rig.broker.stats().clients, 1)
})
