import { copyFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { BrokerPart } from '../../src/broker/broker-port.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { BrokerRig, gw, until } from './broker-rig.ts'
import { type Credential, Peer, type PeerOptions } from './conformance-peer.ts'
import { databasePath } from './memory-rig.ts'

const will = { topic: 'w', payload: 'offline', qos: 1, retain: true }

/** A broker with its file, and clients of users who may do anything with topics of the room. */
async function room(t: Test) {
  const path = databasePath(t)
  const rig = await BrokerRig.start(t, { database: { path } })
  const credentials = new Map<string, Credential>()
  const connect = async (username: string, options: PeerOptions) => {
    if (!credentials.has(username)) {
      const rights = { access: 'device', publish: ['#'], subscribe: ['#'] } as const
      const { password } = await rig.users.add({ name: username, ...rights })
      credentials.set(username, { username, password })
    }
    return Peer.connect(t, rig, options, credentials.get(username))
  }
  const other = await connect('other', { clientId: 'other' })
  /** Of a table, when everything that was noted until now is on the disk. */
  const rows = async (table: 'wills' | 'retained'): Promise<string[]> => {
    await other.publish('other', String(Date.now()), { qos: 1, retain: true })
    const db = new Sqlite(path, { readonly: true })
    try {
      return db
        .prepare<[], { topic: string }>(`SELECT topic FROM ${table}`)
        .all()
        .map(({ topic }) => topic)
    } finally {
      db.close()
    }
  }
  return { path, rig, connect, other, rows }
}

t.test('the will of a client that is connected is not told, whatever clocks say [MQTT-3.1.2-8]', async t => {
  // aedes looks for wills of brokers that it has heard nothing of, by the wall clock, among them itself.
  const { setInterval } = globalThis
  const every240s: (() => void)[] = []
  globalThis.setInterval = ((run: () => void, ms: number) => {
    if (ms === 240_000) every240s.push(run)
    return setInterval(run, ms)
  }) as typeof setInterval
  t.teardown(() => {
    globalThis.setInterval = setInterval
  })
  const { connect, other } = await room(t)
  globalThis.setInterval = setInterval
  t.equal(every240s.length, 1)
  await other.subscribe(['w', 1])
  const plug = await connect('plug', { clientId: 'plug', will })
  for (const run of every240s) run()
  for (let i = 0; i < 20; i++) await other.ping()
  t.same(other.publishes, [])
  plug.cut()
  await until(() => other.publishes.length > 0, 'the will')
  await other.ping()
  t.equal(other.publishes.length, 1, 'once, when it is gone')
})

t.test(
  'a takeover leaves the will of the new connection where a kill finds it [MQTT-3.1.2-8, MQTT-3.1.4-2]',
  async t => {
    const { connect, other, rows } = await room(t)
    await other.subscribe(['w', 1])
    const first = await connect('plug', { clientId: 'plug', will })
    t.same(await rows('wills'), ['w'])
    const second = await connect('plug', { clientId: 'plug', will })
    await first.raw.ends()
    await until(() => other.publishes.length === 1, 'the will of the first')
    t.same(await rows('wills'), ['w'])
    const third = await connect('plug', { clientId: 'plug' })
    await second.raw.ends()
    await until(() => other.publishes.length === 2, 'the will of the second')
    t.same(await rows('wills'), [], 'the third has none')
    await third.leave()
    for (const end of ['leave', 'cut'] as const) {
      const client = await connect('plug', { clientId: 'plug', will })
      t.same(await rows('wills'), ['w'])
      await client[end]()
      await until(() => other.publishes.length === (end === 'cut' ? 3 : 2), 'the will')
      t.same(await rows('wills'), [], end)
    }
  },
)

t.test('whoever is removed has no last word, though the will was taken [MQTT-3.1.2-8]', async t => {
  const { rig, connect, other, rows } = await room(t)
  const plug = await connect('plug', { clientId: 'plug', will })
  await plug.publish('w', 'online', { qos: 1, retain: true })
  t.same(await rows('retained'), ['other', 'w'])
  await rig.users.remove('plug')
  await plug.raw.ends()
  await until(() => rig.logged(/message was refused/).length > 0, 'the will that is refused')
  t.same(await rows('retained'), ['other'])
  await other.subscribe(['w', 1])
  await other.ping()
  t.same(other.publishes, [])
})

t.test('a will that a kill has left is not told of somebody who was removed since', async t => {
  const { path, rig, connect, rows } = await room(t)
  await connect('plug', { clientId: 'plug', will: { ...will, topic: 'plug' } })
  await connect('lamp', { clientId: 'lamp', will: { ...will, topic: 'lamp' } })
  t.same((await rows('wills')).toSorted(), ['lamp', 'plug'])
  // As a kill at this moment would leave it.
  const left = `${path}.left`
  for (const end of ['', '-wal']) copyFileSync(path + end, left + end)
  const clock = new VirtualClock()
  const heard: string[] = []
  const part: BrokerPart = {
    start: async port => {
      port.onMessage('+', ({ topic, payload }) => void heard.push(`${topic} ${payload}`))
    },
    stop: async () => undefined,
  }
  const { core, users, log } = rig
  const next = await startBroker({
    ...{ listeners: [], gatewayId: gw, core, users, clock, log, version: '1.2.3' },
    ...{ database: { path: left }, parts: [part] },
  })
  await users.remove('plug')
  clock.advance(60_000)
  await until(() => heard.length > 0, 'the will of the other')
  t.same(heard, ['lamp offline'])
  let stopped = false
  void next.stop().then(() => {
    stopped = true
  })
  await until(() => {
    clock.advance(10)
    return stopped
  }, 'the end')
})
