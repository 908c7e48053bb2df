import type { AedesPublishPacket } from 'aedes'
import t, { type Test } from 'tap'
import { RetainedMessages } from '../../src/broker/memory/retained-messages.ts'
import { UserQuota } from '../../src/broker/memory/user-quota.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { BrokerRig, publishPacket, subscribePacket, until } from './broker-rig.ts'
import { isRetained, Peer, qosOf, types } from './conformance-peer.ts'

const mebibyte = 1024 * 1024

async function room(t: Test, clock?: Clock) {
  const limits = {
    maxMessagesPerSecond: 100_000,
    maxRetainedBytes: 64 * mebibyte,
    maxRetainedBytesPerUser: 64 * mebibyte,
  }
  const rig = await BrokerRig.start(t, { limits, ...(clock && { clock }) })
  const { password } = await rig.users.add({
    name: 'r',
    access: 'device',
    publish: ['#'],
    subscribe: ['r/#'],
  })
  return (clientId: string, clean = true) =>
    Peer.connect(t, rig, { clientId, clean }, { username: 'r', password })
}

/** What a client believes of each topic. */
const lastWords = (peer: Peer): string[] => [
  ...new Set(new Map(peer.publishes.map(({ topic, payload }) => [topic, payload])).values()),
]

t.test('no older message comes behind a newer one, whenever somebody subscribes [MQTT-4.6.0-5]', async t => {
  const connect = await room(t)
  const sender = await connect('sender')
  const say = (text: string) =>
    sender.send(
      Buffer.concat(Array.from({ length: 60 }, (_, i) => publishPacket(`r/${i}`, text, { retain: true }))),
    )
  for (let run = 0; run < 40; run++) {
    say('off')
    await sender.ping()
    const peer = await connect(`peer${run}`, run % 2 === 0)
    peer.send(subscribePacket(1, ['r/#', run % 3]))
    await peer.next(types.suback)
    for (let turn = 0; turn < run % 5; turn++) await new Promise(setImmediate)
    say('on')
    await sender.ping()
    for (let i = 0; i < 10; i++) await peer.ping()
    t.same(lastWords(peer), ['on'], `run ${run}`)
    peer.cut()
  }
})

t.test('a slow subscriber is told each topic once, and its last word at the end [MQTT-3.3.1-6]', async t => {
  const connect = await room(t, new VirtualClock())
  const sender = await connect('sender')
  const count = 500
  for (let i = 0; i < count; i++) sender.send(publishPacket(`r/${i}`, 'x'.repeat(16_000), { retain: true }))
  await sender.ping()
  const last = `r/${count - 1}`
  const watcher = await connect('watcher')
  await watcher.subscribe([last, 0])
  const slow = await connect('slow')
  slow.raw.socket.pause()
  slow.send(subscribePacket(1, ['r/#', 0]))
  await sender.ping()
  sender.send(publishPacket(last, 'new', { retain: true }))
  await until(() => watcher.publishes.some(({ payload }) => payload === 'new'), 'the newer one')
  slow.raw.socket.resume()
  await until(() => slow.publishes.length >= count || slow.raw.closed, 'all of them', 30_000)
  await slow.ping()
  t.notOk(slow.raw.closed)
  t.equal(slow.publishes.length, count)
  t.same(
    slow.publishes.filter(({ topic }) => topic === last).map(each => [each.payload, isRetained(each)]),
    [['new', false]],
  )
})

t.test(
  'refused filters bring nothing, others theirs once and in the lower QoS [MQTT-3.8.4-3, -6]',
  async t => {
    const connect = await room(t)
    const sender = await connect('sender')
    for (const qos of [0, 1, 2]) await sender.publish(`r/${qos}`, 'r', { qos, retain: true })
    await sender.publish('other', 'o', { retain: true })
    for (const clean of [true, false]) {
      const peer = await connect('peer', clean)
      for (let time = 1; time < 3; time++) {
        t.same([...(await peer.subscribe(['other', 1], ['r/+', 1], ['r/#', 0]))], [0x80, 1, 0])
        await until(() => peer.publishes.length >= 3 * time, 'what is retained')
        await peer.ping()
        t.same(
          peer.publishes.slice(-3).map(each => [each.topic, qosOf(each), isRetained(each)]),
          [
            ['r/0', 0, true],
            ['r/1', 1, true],
            ['r/2', 1, true],
          ],
        )
        t.equal(peer.publishes.length, 3 * time)
        for (const { id } of peer.publishes.slice(-2)) peer.acknowledge(types.puback, id)
      }
      await peer.leave()
    }
  },
)

t.test('what is retained is found as it is at one moment', t => {
  const limits = { bytes: mebibyte, rows: 10, bytesPerUser: mebibyte, rowsPerUser: 10 }
  const retained = new RetainedMessages(new UserQuota(limits))
  const set = (topic: string) => {
    retained.set({ cmd: 'publish', topic, payload: 'x', qos: 0 } as unknown as AedesPublishPacket, 'r')
  }
  for (const topic of ['a', 'b', 'c']) set(topic)
  const found: string[] = []
  for (const { topic } of retained.matching(['#'])) {
    if (found.length < 10) set(topic)
    found.push(topic)
  }
  t.same(found, ['a', 'b', 'c'])
  t.end()
})
