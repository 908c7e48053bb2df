import t, { type Test } from 'tap'
import { BrokerRig, gw, packet, publishPacket, subscribePacket, until } from './broker-rig.ts'
import {
  type Credential,
  connectBytes,
  isDup,
  isRetained,
  Peer,
  type PeerOptions,
  qosOf,
  types,
} from './conformance-peer.ts'

const limits = { maxMessagesPerSecond: 100_000, maxRefusalsPerMinute: 1_000_000 }
const word = (value: number) => Buffer.of(value >> 8, value & 255)

/** A broker, and a user who may do anything with topics of the room. */
async function room(t: Test) {
  const rig = await BrokerRig.start(t, { limits })
  const { password } = await rig.users.add({ name: 'r', access: 'device', publish: ['#'], subscribe: ['#'] })
  const credential: Credential = { username: 'r', password }
  let clients = 0
  return {
    rig,
    credential,
    open: () => Peer.open(t, rig, credential),
    connect: (options: PeerOptions = {}) =>
      Peer.connect(t, rig, { clientId: `client${clients++}`, ...options }, credential),
    clients: (count: number) => until(() => rig.broker.stats().clients === count, `${count} clients`),
  }
}

const sessionPresent = (peer: Peer): boolean => peer.received[0]?.body[0] === 1
const told = (peer: Peer) =>
  peer.publishes.map(each => `${each.payload} ${qosOf(each)}${isRetained(each) ? ' retained' : ''}`)

t.test(
  'retained messages are for those who subscribe later, and flagged for them alone [MQTT-3.3.1-5 to -12]',
  async t => {
    const { connect } = await room(t)
    const [sender, before] = [await connect(), await connect()]
    await before.subscribe(['a/+', 2])
    for (const qos of [0, 1, 2]) await sender.publish(`a/${qos}`, `q${qos}`, { qos, retain: true })
    await sender.publish('a/1', 'not kept', { qos: 1 })
    await until(() => before.publishes.length === 4, 'four')
    t.same(
      told(before).toSorted(),
      ['not kept 1', 'q0 0', 'q1 1', 'q2 2'],
      'RETAIN is 0 for those who had subscribed',
    )
    const after = await connect()
    t.same([...(await after.subscribe(['a/+', 1]))], [1])
    await until(() => after.publishes.length === 3, 'three')
    t.same(
      told(after).toSorted(),
      ['q0 0 retained', 'q1 1 retained', 'q2 1 retained'],
      'with the QoS that was granted',
    )
    const low = await connect()
    await low.subscribe(['a/2', 0])
    await until(() => low.publishes.length === 1, 'one')
    t.same(told(low), ['q2 0 retained'])
    await low.subscribe(['a/2', 0])
    await until(() => low.publishes.length === 2, 'again: the filter was replaced [MQTT-3.8.4-3]')

    await sender.publish('a/1', 'newer', { qos: 1, retain: true })
    await sender.publish('a/2', '', { qos: 1, retain: true })
    await sender.publish('a/never', '', { qos: 1, retain: true })
    await until(() => before.publishes.length === 7, 'all')
    t.same(told(before).slice(4), ['newer 1', ' 1', ' 1'], 'an empty one is told like any other')
    const last = await connect()
    await last.subscribe(['a/#', 0])
    await until(() => last.publishes.length === 2, 'what is left')
    await last.ping()
    t.same(told(last).toSorted(), ['newer 0 retained', 'q0 0 retained'])
  },
)

t.test('a retained message that a session missed is told without the flag [MQTT-3.3.1-9]', async t => {
  const { connect } = await room(t)
  const away = await connect({ clientId: 'away', clean: false })
  await away.subscribe(['a', 1])
  await away.leave()
  const sender = await connect()
  await sender.publish('a', 'missed', { qos: 1, retain: true })
  const back = await connect({ clientId: 'away', clean: false })
  t.same(told(await waitsFor(back, 1)), ['missed 1'])
})

async function waitsFor(peer: Peer, count: number): Promise<Peer> {
  await until(
    () => peer.publishes.length >= count || peer.raw.closed,
    () => `${count} messages, got ${peer.publishes.length}`,
  )
  return peer
}

t.test(
  'a session lasts if it is asked to, and is said to be there [MQTT-3.1.2-4 to -6, MQTT-3.2.2-1 to -3]',
  async t => {
    const { connect, clients } = await room(t)
    const keep = { clientId: 'k', clean: false }
    const first = await connect(keep)
    t.notOk(sessionPresent(first))
    await first.subscribe(['a', 1])
    first.cut()
    await clients(0)
    const second = await connect(keep)
    t.ok(sessionPresent(second))
    const sender = await connect()
    await sender.publish('a', 'still subscribed', { qos: 1 })
    await waitsFor(second, 1)
    second.acknowledge(types.puback, second.publishes[0]?.id ?? 0)
    await second.leave()
    const fresh = await connect({ clientId: 'k', clean: true })
    t.notOk(sessionPresent(fresh), 'a clean session discards the one before')
    await sender.publish('a', 'for nobody', { qos: 1 })
    await fresh.ping()
    t.same(fresh.publishes, [])
    await fresh.subscribe(['a', 1])
    await fresh.leave()
    const third = await connect(keep)
    t.notOk(sessionPresent(third), 'and leaves nothing')
    await sender.publish('a', 'for nobody', { qos: 1 })
    await third.ping()
    t.same(third.publishes, [])
    await third.subscribe(['a', 1])
    await third.unsubscribe('a')
    await third.leave()
    await sender.publish('a', 'for nobody', { qos: 1 })
    const fourth = await connect(keep)
    await fourth.ping()
    t.same(fourth.publishes, [], 'UNSUBSCRIBE lasts as well')
  },
)

t.test(
  'what was not acknowledged comes again with DUP and its identifier [MQTT-4.4.0-1, MQTT-3.3.1-1]',
  async t => {
    const { connect, clients } = await room(t)
    const keep = { clientId: 'k', clean: false }
    const first = await connect(keep)
    await first.subscribe(['a/#', 2])
    const sender = await connect()
    for (const [i, qos] of [1, 2, 1, 2].entries()) await sender.publish('a/b', `m${i}`, { qos })
    await waitsFor(first, 4)
    t.notOk(first.publishes.some(isDup))
    const ids = first.publishes.map(({ id }) => id)
    t.equal(new Set(ids).size, 4)
    first.acknowledge(types.puback, ids[0] ?? 0)
    first.acknowledge(types.pubrec, ids[1] ?? 0)
    await first.next(types.pubrel)
    first.cut()
    await clients(1)
    const second = await connect(keep)
    await waitsFor(second, 2)
    const rel = await second.next(types.pubrel)
    t.equal(rel.id, ids[1], 'after PUBREC only its PUBREL comes again [MQTT-4.3.3-1]')
    t.equal(rel.flags, 2)
    await second.ping()
    t.same(
      second.publishes.map(({ payload, id }) => [payload, id]),
      [
        ['m2', ids[2]],
        ['m3', ids[3]],
      ],
    )
    t.ok(second.publishes.every(isDup))
    second.acknowledge(types.pubcomp, ids[1] ?? 0)
    second.acknowledge(types.puback, ids[2] ?? 0)
    second.acknowledge(types.pubrec, ids[3] ?? 0)
    await second.next(types.pubrel)
    second.acknowledge(types.pubcomp, ids[3] ?? 0)
    await second.ping()
    await second.leave()
    const third = await connect(keep)
    await third.ping()
    t.same(
      third.received.map(({ type }) => type),
      [types.connack, types.pingresp],
      'nothing is left',
    )
  },
)

t.test('no identifier is used twice while it is not free [MQTT-2.3.1-4]', async t => {
  const { connect, clients } = await room(t)
  const keep = { clientId: 'k', clean: false }
  const first = await connect(keep)
  await first.subscribe(['a', 1])
  const sender = await connect()
  const many = async (from: number) => {
    for (let i = from; i < from + 1000; i++) sender.send(publishPacket('a', String(i), { qos: 1, id: i + 1 }))
    await until(
      () => sender.received.filter(({ type }) => type === types.puback).length === from + 1000,
      'PUBACK',
    )
  }
  await many(0)
  await waitsFor(first, 1000)
  first.cut()
  await clients(1)
  const second = await connect(keep)
  await waitsFor(second, 1000)
  await many(1000)
  await waitsFor(second, 2000)
  t.equal(new Set(second.publishes.map(({ id }) => id)).size, 2000)
  t.notOk(second.publishes.some(({ id }) => id === 0))
  t.same(
    second.publishes.map(({ payload }) => payload),
    Array.from({ length: 2000 }, (_, i) => String(i)),
    'in their order [MQTT-4.6.0-1]',
  )
})

const will = { topic: 'will', payload: 'bye', qos: 1 }

t.test(
  'a will is told when a client goes without DISCONNECT, whatever the reason [MQTT-3.1.2-8]',
  async t => {
    const { connect, clients } = await room(t)
    const watcher = await connect()
    await watcher.subscribe(['will', 2])
    const ways: Readonly<Record<string, (peer: Peer) => unknown>> = {
      'the line is cut': peer => peer.cut(),
      'the socket is ended': peer => peer.raw.socket.end(),
      'the socket is reset': peer => peer.raw.socket.resetAndDestroy(),
      'it breaks the protocol': peer => peer.send('f000'),
      'it sends a second CONNECT': peer => peer.send(connectBytes({ clientId: 'w' })),
      'it sends DISCONNECT with wrong flags': peer => peer.send('e100'),
      'it sends half a packet': peer => {
        peer.send('3010 0001')
        peer.cut()
      },
    }
    let count = 0
    for (const [name, end] of Object.entries(ways)) {
      const peer = await connect({ clientId: 'w', will: { ...will, payload: name } })
      end(peer)
      await waitsFor(watcher, ++count)
      t.same(told(watcher).at(-1), `${name} 1`)
      await clients(1)
    }
    const old = await connect({ clientId: 'w', will })
    const successor = await connect({ clientId: 'w', will: { ...will, payload: 'of the second' } })
    await old.raw.ends()
    await waitsFor(watcher, ++count)
    t.same(told(watcher).at(-1), 'bye 1', 'taken over [MQTT-3.1.4-2]')
    t.notOk(successor.raw.closed)
  },
)

t.test(
  'a will has its QoS and its RETAIN, and is gone after DISCONNECT [MQTT-3.1.2-10, -16, -17, MQTT-3.14.4-3]',
  async t => {
    const { connect, clients } = await room(t)
    const watcher = await connect()
    await watcher.subscribe(['will/#', 2])
    for (const qos of [0, 1, 2])
      for (const retain of [false, true]) {
        const peer = await connect({ will: { topic: `will/${qos}/${retain}`, payload: 'bye', qos, retain } })
        peer.cut()
        await clients(1)
      }
    await waitsFor(watcher, 6)
    t.same(told(watcher).toSorted(), ['bye 0', 'bye 0', 'bye 1', 'bye 1', 'bye 2', 'bye 2'])
    const late = await connect()
    await late.subscribe(['will/#', 2])
    await waitsFor(late, 3)
    await late.ping()
    t.same(told(late).toSorted(), ['bye 0 retained', 'bye 1 retained', 'bye 2 retained'])
    await late.leave()

    const goodBye: Readonly<Record<string, string>> = {
      alone: 'e000',
      'with more behind it': 'e000 c000',
      'with something broken behind it': 'e000 f0ff',
      'with a message behind it': 'e000 3004 0001 61 78',
    }
    for (const [name, bytes] of Object.entries(goodBye)) {
      const peer = await connect({ clientId: 'w', will: { topic: 'will/never', payload: name, qos: 1 } })
      peer.send(bytes)
      await peer.raw.ends()
      await clients(1)
    }
    const silent = await connect({
      clientId: 'w',
      clean: false,
      will: { topic: 'will/never', payload: 'kept', qos: 1 },
    })
    await silent.leave()
    const again = await connect({ clientId: 'w', clean: false })
    again.cut()
    await clients(1)
    const sender = await connect()
    await sender.publish('will/end', 'end', { qos: 1 })
    await waitsFor(watcher, 7)
    t.same(told(watcher).slice(6), ['end 1'])
  },
)

t.test(
  'a client that keeps silent for one and a half times its keep alive is gone [MQTT-3.1.2-24]',
  async t => {
    const { connect, rig } = await room(t)
    const [silent, alive, patient] = await Promise.all([
      connect({ keepAlive: 1, will }),
      connect({ keepAlive: 1 }),
      connect(),
    ])
    await patient.subscribe(['will', 0])
    const began = performance.now()
    const heartbeat = setInterval(() => alive.send('c000'), 700)
    t.teardown(() => clearInterval(heartbeat))
    await silent.raw.ends()
    const tookMs = performance.now() - began
    t.ok(tookMs >= 1400 && tookMs < 8000, `${tookMs} ms`)
    await waitsFor(patient, 1)
    await until(
      () => alive.received.filter(({ type }) => type === types.pingresp).length >= 4,
      'its PINGRESPs',
    )
    t.notOk(alive.raw.closed)
    t.notOk(patient.raw.closed, 'a keep alive of 0 is none')
    t.equal(rig.broker.stats().clients, 2)
  },
)

t.test(
  'messages of one topic and QoS come in the order in which they were sent [MQTT-4.6.0-1 to -6]',
  async t => {
    const { connect } = await room(t)
    const [lasting, clean] = [await connect({ clean: false }), await connect()]
    for (const peer of [lasting, clean]) await peer.subscribe(['o/#', 2])
    for (const qos of [0, 1, 2]) {
      const sender = await connect({ clean: qos !== 2 })
      const count = 200
      for (let i = 1; i <= count; i++) {
        // Some are kept, some are large, some are for nobody.
        sender.send(
          publishPacket(`o/${qos}`, `${i} ${i % 17 === 0 ? 'x'.repeat(5000) : ''}`, {
            qos,
            id: i,
            retain: i % 5 === 0,
          }),
          ...(qos > 0 ? [publishPacket('nobody', '', { qos, id: count + i })] : []),
        )
      }
      if (qos > 0) {
        const answer = qos === 1 ? types.puback : types.pubrec
        const answers = () => sender.received.filter(({ type }) => type === answer).map(({ id }) => id)
        await until(
          () => answers().length === 2 * count,
          () => `${answers().length} acknowledgements of QoS ${qos}`,
        )
        t.same(
          answers(),
          Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? i / 2 + 1 : count + (i + 1) / 2)),
          `acknowledged in their order, QoS ${qos}`,
        )
      }
      if (qos === 2) {
        for (let i = 1; i <= count; i++) sender.acknowledge(types.pubrel, i)
        const comps = () => sender.received.filter(({ type }) => type === types.pubcomp).map(({ id }) => id)
        await until(() => comps().length === count, 'PUBCOMP')
        t.same(
          comps(),
          Array.from({ length: count }, (_, i) => i + 1),
        )
      }
      for (const peer of [lasting, clean]) {
        const got = () =>
          peer.publishes
            .filter(({ topic }) => topic === `o/${qos}`)
            .map(({ payload }) => Number.parseInt(payload, 10))
        await until(
          () => got().length >= count,
          () => `${got().length} of QoS ${qos}`,
        )
        t.same(
          got(),
          Array.from({ length: count }, (_, i) => i + 1),
          `told in their order, QoS ${qos}`,
        )
        if (qos === 2) {
          const ids = peer.publishes.filter(({ topic }) => topic === 'o/2').map(({ id }) => id)
          for (const id of ids) peer.acknowledge(types.pubrec, id)
          const rels = () => peer.received.filter(({ type }) => type === types.pubrel).map(({ id }) => id)
          await until(() => rels().length === count, 'PUBREL')
          t.same(rels(), ids, 'PUBREL in the order of PUBREC [MQTT-4.6.0-4]')
        }
      }
    }
  },
)

t.test('QoS 2 is told once, though it comes again after a cut [MQTT-4.3.3-2]', async t => {
  const { connect, clients } = await room(t)
  const listener = await connect()
  await listener.subscribe(['a', 0])
  const keep = { clientId: 'k', clean: false }
  const sender = await connect(keep)
  sender.send(publishPacket('a', 'once', { qos: 2, id: 7 }))
  await sender.next(types.pubrec)
  sender.cut()
  await clients(1)
  const again = await connect(keep)
  const repeated = publishPacket('a', 'once', { qos: 2, id: 7 })
  repeated[0] = 0x3c
  again.send(repeated)
  await again.next(types.pubrec)
  again.cut()
  await clients(1)
  const third = await connect(keep)
  third.acknowledge(types.pubrel, 7)
  await third.next(types.pubcomp)
  third.acknowledge(types.pubrel, 7)
  await third.next(types.pubcomp)
  await third.publish('a', 'twice', { qos: 2, id: 7 })
  await waitsFor(listener, 2)
  t.same(told(listener), ['once 0', 'twice 0'])
  const clean = await connect({ clientId: 'c' })
  clean.send(publishPacket('a', 'clean', { qos: 2, id: 7 }))
  await clean.next(types.pubrec)
  clean.cut()
  await clients(2)
  const fresh = await connect({ clientId: 'c' })
  await fresh.publish('a', 'another', { qos: 2, id: 7 })
  await waitsFor(listener, 4)
  t.same(told(listener).slice(2), ['clean 0', 'another 0'], 'a clean session remembers no identifier')
})

t.test('of filters that overlap each message comes once, with the highest QoS [MQTT-3.3.5-1]', async t => {
  const { connect } = await room(t)
  const sender = await connect()
  for (const clean of [true, false])
    for (const [a, b] of [
      [0, 1],
      [1, 0],
      [0, 2],
      [2, 0],
      [1, 2],
      [2, 1],
    ] as const) {
      const peer = await connect({ clean, clientId: `p${a}${b}${clean}` })
      await peer.subscribe(['o/+', a], ['o/a', b])
      await sender.publish('o/a', 'm', { qos: 2 })
      await waitsFor(peer, 1)
      await peer.ping()
      t.same(told(peer), [`m ${Math.max(a, b)}`], `QoS ${a} and ${b}, ${clean ? 'clean' : 'lasting'}`)
      await peer.leave()
      if (clean) continue
      await sender.publish('o/a', 'away', { qos: 2 })
      const back = await connect({ clean, clientId: `p${a}${b}${clean}` })
      await waitsFor(back, 1)
      await back.ping()
      t.same(
        told(back).filter(each => each.startsWith('away')),
        [`away ${Math.max(a, b)}`],
        `QoS ${a} and ${b}, away`,
      )
      await back.leave()
    }
})

t.test('filters take what §4.7 says they take', async t => {
  const { connect } = await room(t)
  const sender = await connect()
  const cases: readonly (readonly [filter: string, takes: readonly string[], leaves: readonly string[]])[] = [
    [
      'sport/tennis/player1/#',
      ['sport/tennis/player1', 'sport/tennis/player1/ranking', 'sport/tennis/player1/score/wimbledon'],
      ['sport/tennis/player2', 'sport/tennis'],
    ],
    ['sport/#', ['sport', 'sport/', 'sport/a/b/c'], ['sports', '/sport']],
    [
      'sport/tennis/+',
      ['sport/tennis/player1', 'sport/tennis/'],
      ['sport/tennis/player1/ranking', 'sport/tennis'],
    ],
    ['sport/+', ['sport/', 'sport/a'], ['sport', 'sport/a/']],
    ['+/+', ['/finance', 'a/b', '/'], ['finance', 'a/b/c', '//']],
    ['/+', ['/finance', '/'], ['finance', 'a/finance']],
    ['+', ['finance', ' '], ['/finance', 'a/']],
    ['+/tennis/#', ['sport/tennis', '/tennis/a'], ['tennis', 'sport/golf/tennis']],
    ['a//b', ['a//b'], ['a/b', 'a///b']],
    ['a/+/b', ['a//b', 'a/x/b'], ['a/b', 'a/x/y/b']],
    ['ACCOUNTS', ['ACCOUNTS'], ['Accounts', 'ACCOUNTS/']],
    ['/#', ['/', '/a/b'], ['a', 'a/']],
    ['+/#', ['a', 'a/b', '/'], []],
    ['€/😀', ['€/😀'], ['€/😁']],
  ]
  for (const [filter, takes, leaves] of cases) {
    const peer = await connect()
    await peer.subscribe([filter, 0])
    for (const topic of [...takes, ...leaves]) sender.send(publishPacket(topic, 'x'))
    await sender.ping()
    await waitsFor(peer, takes.length)
    await peer.ping()
    t.same(peer.publishes.map(({ topic }) => topic).toSorted(), takes.toSorted(), filter)
    await peer.leave()
  }
})

t.test('a wildcard in front takes no topic of the server itself [MQTT-4.7.2-1]', async t => {
  const { rig } = await room(t)
  const peer = await Peer.connect(t, rig, { clientId: 'x' })
  t.same([...(await peer.subscribe(['#', 0], ['+/broker/uptime', 0], ['+/+/+', 0]))], [0, 0, 0])
  await until(
    () => peer.publishes.some(({ topic }) => topic === `pixelgate/${gw}/status`),
    'what is retained',
  )
  await peer.ping()
  t.notOk(peer.publishes.some(({ topic }) => topic.startsWith('$')))
  await peer.subscribe(['$SYS/broker/uptime', 0])
  await until(() => peer.publishes.some(({ topic }) => topic === '$SYS/broker/uptime'), 'what is asked for')
})

t.test('UNSUBSCRIBE ends what is new, and what is on its way is finished [MQTT-3.10.4-2, -3]', async t => {
  const { connect } = await room(t)
  const [sender, peer] = [await connect(), await connect({ clean: false })]
  await peer.subscribe(['a', 2], ['b', 1])
  await sender.publish('a', 'on its way', { qos: 2 })
  const { id } = (await waitsFor(peer, 1)).publishes[0] ?? { id: 0 }
  await peer.unsubscribe('a')
  await sender.publish('a', 'too late', { qos: 2 })
  peer.acknowledge(types.pubrec, id)
  t.equal((await peer.next(types.pubrel)).id, id)
  peer.acknowledge(types.pubcomp, id)
  await sender.publish('b', 'still', { qos: 1 })
  await waitsFor(peer, 2)
  t.same(told(peer), ['on its way 2', 'still 1'])
})

t.test('nobody who is refused has said anything [MQTT-3.1.4-5, MQTT-3.2.2-4, -5]', async t => {
  const { connect, rig, open, credential } = await room(t)
  const watcher = await connect()
  await watcher.subscribe(['#', 0])
  const behind = [subscribePacket(1, ['#', 2]), publishPacket('a', 'sneaked in', { qos: 1 })]
  const refusals: Readonly<Record<number, Buffer>> = {
    1: connectBytes({ level: 5 }, credential),
    2: connectBytes({ clean: false }, credential),
    4: connectBytes({ clientId: 'x' }, { ...credential, password: 'wrong' }),
    5: connectBytes(
      { clientId: 'x', will: { topic: `pixelgate/${gw}/status`, payload: 'gone' } },
      credential,
    ),
  }
  for (const [code, hello] of Object.entries(refusals)) {
    const peer = await open()
    peer.send(Buffer.concat([hello, ...behind]))
    await peer.raw.ends()
    t.equal(
      peer.raw.received,
      `200200 0${code}`.replace(' ', ''),
      `return code ${code}, no session present, nothing else`,
    )
  }
  const anonymous = await Peer.open(t, rig, credential)
  anonymous.send(connectBytes({ clientId: 'x' }))
  await anonymous.raw.ends()
  t.equal(anonymous.raw.received, '20020005')
  const sender = await connect()
  await sender.publish('end', 'end')
  await waitsFor(watcher, 1)
  t.same(told(watcher), ['end 0'])
})

t.test('clients without an id are many [MQTT-3.1.3-6], and one id is one client [MQTT-3.1.4-2]', async t => {
  const { connect, clients } = await room(t)
  const nameless = await Promise.all(Array.from({ length: 20 }, () => connect({ clientId: '' })))
  await clients(20)
  t.notOk(nameless.some(({ raw }) => raw.closed))
  for (const peer of nameless) await peer.leave()
  await clients(0)
  let last: Peer | undefined
  for (let i = 0; i < 30; i++) {
    const next = await connect({ clientId: 'one', clean: i % 2 === 0 })
    await next.subscribe(['a', 1])
    if (last) await last.raw.ends()
    last = next
  }
  await clients(1)
  const sender = await connect()
  await sender.publish('a', 'to the last', { qos: 1 })
  t.same(told(await waitsFor(last ?? sender, 1)), ['to the last 1'])
})

t.test('a bridge gets nothing back that it said itself, and what is retained as it was', async t => {
  const { connect } = await room(t)
  const other = await connect()
  for (const clean of [true, false]) {
    const options = { level: 0x84, clean, clientId: `b${clean}` }
    const bridge = await connect(options)
    await bridge.subscribe([`${clean}/#`, 1])
    for (const qos of [0, 1, 2]) await bridge.publish(`${clean}/own`, 'mine', { qos })
    for (const qos of [0, 1]) {
      await other.publish(`${clean}/b`, 'kept', { qos, retain: true })
      await other.publish(`${clean}/b`, 'not kept', { qos })
    }
    await waitsFor(bridge, 4)
    await bridge.ping()
    t.same(told(bridge), ['kept 0 retained', 'not kept 0', 'kept 1 retained', 'not kept 1'])
    for (const { id } of bridge.publishes.slice(2)) bridge.acknowledge(types.puback, id)
    await bridge.ping()
    await bridge.leave()
    const back = await connect(options)
    await back.ping()
    t.same(back.publishes, [], 'nothing of its own waits for it')
  }
  const plain = await connect()
  await plain.subscribe(['a/c', 1])
  await plain.publish('a/c', 'mine', { qos: 1 })
  t.same(told(await waitsFor(plain, 1)), ['mine 1'], 'any other client hears itself')
})

t.test(
  'an acknowledgement that does not belong to its message ends the connection [MQTT-4.8.0-1]',
  async t => {
    const { connect } = await room(t)
    const sender = await connect()
    const wrong: readonly (readonly [qos: number, acknowledgements: readonly number[]])[] = [
      [1, [types.pubrec]],
      [1, [types.pubcomp]],
      [2, [types.puback]],
      [2, [types.pubcomp]],
      [2, [types.pubrec, types.puback]],
    ]
    for (const [qos, acknowledgements] of wrong) {
      const peer = await connect()
      await peer.subscribe(['ack', 2])
      await sender.publish('ack', 'x', { qos })
      const { id } = (await waitsFor(peer, 1)).publishes[0] ?? { id: 0 }
      for (const type of acknowledgements) peer.acknowledge(type, id)
      await peer.raw.ends()
    }
    const proper = await connect()
    await proper.subscribe(['ack', 2])
    await sender.publish('ack', 'x', { qos: 2 })
    const { id } = (await waitsFor(proper, 1)).publishes[0] ?? { id: 0 }
    for (const type of [types.pubrec, types.pubrec, types.pubcomp, types.pubcomp, types.puback])
      proper.acknowledge(type, id)
    await proper.ping()
    t.notOk(proper.raw.closed, 'what is repeated does no harm')
  },
)

t.test('packets that come in one piece are taken one after the other', async t => {
  const { connect, rig, credential } = await room(t)
  for (const clean of [true, false]) {
    const peer = await Peer.open(t, rig, credential)
    peer.send(
      Buffer.concat([
        connectBytes({ clientId: `glued${clean}`, clean }, credential),
        subscribePacket(1, ['g', 2]),
        publishPacket('g', 'one', { qos: 2, id: 2 }),
        publishPacket('g', 'two', { qos: 1, id: 3 }),
        publishPacket('g', 'three'),
        packet(0xa2, word(4), word(1), 'g'),
        publishPacket('g', 'unheard', { qos: 1, id: 5 }),
        Buffer.from('c000', 'hex'),
      ]),
    )
    await peer.next(types.pingresp)
    await waitsFor(peer, 3)
    t.same(told(peer).toSorted(), ['one 2', 'three 0', 'two 1'], clean ? 'clean' : 'lasting')
    await until(() => peer.received.filter(({ type }) => type === types.puback).length === 2, 'PUBACK')
  }
  const sender = await connect()
  await sender.ping()
})
