import t from 'tap'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { BrokerRig, publishPacket, subscribePacket, until } from './broker-rig.ts'
import { Peer, types } from './conformance-peer.ts'

const limits = { maxMessagesPerSecond: 1_000_000 }
/** More than a client may leave without acknowledgement before those who send to it wait. */
const count = 12_000

const messages = (topic: string, from = 1, to = count) =>
  Buffer.concat(
    Array.from({ length: to - from + 1 }, (_, i) => publishPacket(topic, 'x', { qos: 1, id: from + i })),
  )
const acknowledgements = (ids: readonly number[]) =>
  Buffer.concat(ids.map(id => Buffer.of(0x40, 2, id >> 8, id & 255)))
const ids = (peer: Peer) => peer.publishes.map(({ id }) => id)
const pubacks = (peer: Peer) => peer.received.filter(({ type }) => type === types.puback).length

async function wanting(rig: BrokerRig, clientId: string, filter: string): Promise<Peer> {
  const peer = await Peer.connect(rig.t, rig, { clientId })
  peer.send(subscribePacket(1, [filter, 1]))
  await peer.next(types.suback)
  return peer
}

t.test('a client may send itself more than it has acknowledged: that comes behind its messages', async t => {
  const rig = await BrokerRig.start(t, { clock: new VirtualClock(), limits })
  const peer = await wanting(rig, 'a', 'a')
  peer.send(messages('a'))
  await until(() => peer.publishes.length === count || peer.raw.closed, 'all of them')
  t.equal(new Set(ids(peer)).size, count, 'no identifier twice [MQTT-2.3.1-4]')
  peer.send(acknowledgements(ids(peer)))
  await peer.ping()
  t.notOk(peer.raw.closed)
})

t.test(
  'two clients that send more to each other than they have acknowledged do not wait for each other',
  async t => {
    const rig = await BrokerRig.start(t, { clock: new VirtualClock(), limits })
    const peers = [await wanting(rig, 'a', 'a'), await wanting(rig, 'b', 'b')]
    peers[0]?.send(messages('b'))
    peers[1]?.send(messages('a'))
    await until(() => peers.some(({ publishes }) => publishes.length === count), 'all of one')
    for (const peer of peers) peer.send(acknowledgements(ids(peer)))
    await until(() => peers.every(({ publishes }) => publishes.length === count), 'all of both')
    for (const peer of peers) await peer.ping()
    t.notOk(peers.some(({ raw }) => raw.closed))
  },
)

t.test(
  'a client that never acknowledges what it sends itself is cut off before identifiers run out',
  async t => {
    const rig = await BrokerRig.start(t, { clock: new VirtualClock(), limits })
    const peer = await wanting(rig, 'a', 'a')
    peer.raw.socket.removeAllListeners('data')
    peer.raw.socket.resume()
    const all = messages('a', 1, 65_000)
    for (let i = 0; i < 2; i++) peer.send(all)
    await peer.raw.ends()
    t.match(rig.logged(/was cut off/)[0]?.fields['reason'], /60000 messages/)
  },
)

t.test(
  'a subscriber that acknowledges one message now and then holds its publishers up for 10 s at most',
  async t => {
    const clock = new VirtualClock()
    const rig = await BrokerRig.start(t, { clock, limits })
    const slow = await wanting(rig, 'slow', 'a')
    const sender = await Peer.connect(t, rig, { clientId: 'sender' })
    sender.send(messages('a'))
    await until(() => slow.publishes.length >= 10_000, 'as many as may be')
    await sender.raw.gets('4002')
    const all = ids(slow)
    for (let ms = 0; ms < 9600; ms += 400) {
      slow.send(acknowledgements(all.splice(0, 1)))
      await slow.ping()
      clock.advance(400)
      await new Promise(setImmediate)
    }
    t.notOk(slow.raw.closed)
    t.ok(pubacks(sender) < count)
    slow.send(acknowledgements(all.splice(0, 1)))
    clock.advance(400)
    await slow.raw.ends()
    await until(() => pubacks(sender) === count, 'the publisher to go on')
    t.match(rig.logged(/was cut off/)[0]?.fields['reason'], /acknowledges too little/)
  },
)

t.test('a subscriber that acknowledges a thousand in time is waited for', async t => {
  const clock = new VirtualClock()
  const rig = await BrokerRig.start(t, { clock, limits })
  const slow = await wanting(rig, 'slow', 'a')
  const sender = await Peer.connect(t, rig, { clientId: 'sender' })
  sender.send(messages('a'))
  await until(() => slow.publishes.length >= 10_000, 'as many as may be')
  const all = ids(slow)
  for (let acknowledged = 0; acknowledged < 10_000; acknowledged += 300) {
    slow.send(acknowledgements(all.splice(0, 300)))
    await slow.ping()
    clock.advance(400)
    await new Promise(setImmediate)
  }
  await until(() => slow.publishes.length === count, 'the rest')
  t.equal(pubacks(sender), count)
  t.notOk(slow.raw.closed, 'after 13 s')
})
