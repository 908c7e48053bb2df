import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import t from 'tap'
import { startBroker } from '../../src/broker/start-broker.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { BrokerDatabase } from '../../src/store/broker/broker-database.ts'
import type { Change } from '../../src/store/broker/changes.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'
import { BrokerRig, connectPacket, gw, publishPacket, RawClient, until } from './broker-rig.ts'
import { durabilityCampaign } from './durability-campaign.ts'
import { databasePath, desk, type MemoryRig, openMemory } from './memory-rig.ts'

const own = `pixelgate/${gw}`
const board = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'
const hourMs = 3_600_000

const ordered = (changes: readonly Change[]): string[] =>
  changes
    .map(({ name, args, payload }) =>
      JSON.stringify([name, args, payload && Buffer.from(payload).toString('hex')]),
    )
    .sort()

const publish = (
  { memory }: MemoryRig,
  topic: string,
  more: object = {},
): Promise<Error | null | undefined> =>
  new Promise(resolve =>
    memory.persistence.accept(
      {
        client: { id: 'shelf/1', clean: false },
        who: desk,
        packet: { topic, payload: Buffer.from(topic), qos: 1, retain: false, ...more },
      },
      resolve,
    ),
  )

t.test('no acknowledged message is lost, whenever the gateway is killed', async t => {
  const seed = Date.now() % 1_000_000
  const options = { folder: t.testdir(), total: 2000, inFlight: 200, kills: 3, payloadBytes: 256 }
  const tally = await durabilityCampaign({ ...options, qos: 1, random: seededRandom(seed) })
  t.match(tally, { kills: 3, acknowledged: 2000, lost: 0 }, `seed ${seed}`)
})

t.test(
  'QoS 2 to a lasting session: none lost, none twice, in order, whenever the gateway is killed',
  async t => {
    const seed = Date.now() % 1_000_000
    const options = { folder: t.testdir(), total: 800, inFlight: 20, kills: 3 }
    const tally = await durabilityCampaign({ ...options, qos: 2, random: seededRandom(seed) })
    t.match(tally, { kills: 3, acknowledged: 800, lost: 0, twice: 0, disordered: 0 }, `seed ${seed}`)
  },
)

t.test('a message of a client that is gone before it is published leaves nothing behind', async t => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const { memory } = await openMemory(databasePath(t))
  const refs: WeakRef<object>[] = []
  /** As in aedes: the payload may be another one afterwards. */
  const accept = async (qos: 0 | 1 | 2) => {
    const packet = {
      topic: `topic/${qos}`,
      payload: Buffer.alloc(10_000),
      qos,
      retain: true,
      messageId: 1 + qos,
    }
    const client = { id: 'shelf/1', clean: false }
    await new Promise(resolve => memory.persistence.accept({ client, who: desk, packet }, resolve))
    refs.push(new WeakRef(packet.payload))
  }
  for (const qos of [0, 1, 2, 1, 0] as const) await accept(qos)
  memory.sessions.end('shelf/1')
  await until(
    () => {
      collect()
      return refs.every(ref => ref.deref() === undefined)
    },
    () => `${refs.filter(ref => ref.deref() !== undefined).length} payloads to be forgotten`,
  )
  await memory.stop()
})

t.test('what is in memory is on the disk, whatever happens to sessions', async t => {
  const root = t.testdir()
  let run = 0
  const clientId = fc.constantFrom('desk/1', 'desk/2', 'desk/3')
  const topic = fc.constantFrom('a', 'a/b', 'c')
  const act = fc.oneof(
    fc.record({
      type: fc.constant('subscribe' as const),
      clientId,
      topic: fc.constantFrom('a', 'a/#', '+', '#'),
      qos: fc.constantFrom(0, 1, 2),
    }),
    fc.record({
      type: fc.constant('unsubscribe' as const),
      clientId,
      topic: fc.constantFrom('a', 'a/#', '+', '#'),
    }),
    fc.record({
      type: fc.constant('publish' as const),
      topic,
      qos: fc.constantFrom(0, 1, 2),
      retain: fc.boolean(),
      id: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ type: fc.constant('released' as const), id: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      type: fc.constantFrom('puback' as const, 'pubrec' as const),
      clientId,
      id: fc.integer({ min: 1, max: 6 }),
    }),
    fc.record({ type: fc.constantFrom('end' as const, 'will' as const), clientId }),
    fc.record({ type: fc.constant('clear' as const), topic }),
    fc.record({ type: fc.constantFrom('restart' as const, 'fail' as const, 'damage' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), async acts => {
      const path = `${root}/${run++}/broker.db`
      let rig = await openMemory(path)
      const settled: Promise<unknown>[] = []
      const restart = async () => {
        await Promise.allSettled(settled.splice(0))
        await rig.memory.stop()
        const before = ordered(rig.memory.snapshot())
        rig = await openMemory(path)
        assert.deepEqual(ordered(rig.memory.snapshot()), before)
      }
      for (const each of acts) {
        const { sessions, persistence } = rig.memory
        switch (each.type) {
          case 'subscribe':
            settled.push(
              sessions.subscribe(each.clientId, desk, [{ topic: each.topic, qos: each.qos as 0 | 1 | 2 }]),
            )
            break
          case 'unsubscribe':
            settled.push(sessions.unsubscribe(each.clientId, [each.topic]))
            break
          case 'publish':
            settled.push(publish(rig, each.topic, { qos: each.qos, retain: each.retain, messageId: each.id }))
            break
          case 'released':
            settled.push(
              persistence.incomingDelPacket({ id: 'shelf/1' }, { cmd: 'pubrel', messageId: each.id }),
            )
            break
          case 'puback':
            sessions.acknowledge(each.clientId, each.id)
            break
          case 'pubrec':
            settled.push(sessions.release(each.clientId, each.id))
            break
          case 'end':
            sessions.end(each.clientId)
            break
          case 'will':
            void persistence.putWill(
              { id: each.clientId },
              { topic: 'w', payload: Buffer.from('w'), qos: 1, retain: true },
            )
            break
          case 'clear':
            settled.push(publish(rig, each.topic, { payload: Buffer.alloc(0), retain: true }))
            break
          case 'restart':
            await restart()
            break
          case 'fail':
          case 'damage':
            // A damaged file is begun anew, from memory.
            rig.storage.fail = new AppError('storage_failed', `the disk ${each.type}d`)
            settled.push(publish(rig, 'a'))
            await Promise.allSettled(settled.splice(0))
            rig.storage.fail = undefined
        }
        // Not after each: many share one transaction.
        if (settled.length > 3) await Promise.allSettled(settled.splice(0))
      }
      await restart()
      await rig.memory.stop()
    }),
    {
      numRuns: 300,
      examples: [
        // A refused message, and a later one of its topic that is not.
        [
          [
            { type: 'publish', topic: 'a', qos: 1, retain: true, id: 1 },
            { type: 'publish', topic: 'a', qos: 0, retain: true, id: 1 },
            { type: 'fail' },
          ],
        ],
      ],
    },
  )
})

t.test('while the disk fails, what waits for it has a cap, and nothing is missing afterwards', async t => {
  const path = databasePath(t)
  const rig = await openMemory(path)
  const { memory, storage } = rig
  await memory.sessions.subscribe('desk/1', desk, [{ topic: 'a', qos: 1 }])
  const refused = async () => (await publish(rig, 'a')) instanceof AppError
  await publish(rig, 'a')
  storage.fail = new AppError('storage_failed', 'the disk failed')
  t.ok(await refused())
  let most = 0
  for (let i = 0; i < 140_000; i++) {
    await publish(rig, `r/${i % 3}`, { qos: 0, retain: true, payload: Buffer.from(String(i)) })
    most = Math.max(most, memory.journal.noted)
  }
  t.equal(most, 131_072)
  t.equal(memory.journal.noted, 0, 'everything will be written instead')
  t.ok(await refused(), 'also of everything')
  await memory.sessions.subscribe('desk/2', desk, [{ topic: 'b', qos: 1 }]).catch(() => undefined)
  storage.fail = undefined
  t.equal(await publish(rig, 'b'), null)
  await memory.stop()
  const before = ordered(memory.snapshot())
  t.match(before.join(), /r\/0.*r\/1.*r\/2/)
  const after = await openMemory(path)
  t.same(ordered(after.memory.snapshot()), before)
  t.equal(after.memory.stats().queuedMessages, 2)
  await after.memory.stop()
})

t.test('the will of a client that is back takes the place of the one that an earlier run left', async t => {
  const path = databasePath(t)
  const putWill = ({ memory }: MemoryRig, retain: boolean) =>
    memory.persistence.putWill({ id: 'desk/1' }, { topic: 'w', payload: Buffer.from('w'), qos: 1, retain })
  const wills = ({ memory }: MemoryRig) => memory.snapshot().filter(({ name }) => name === 'putWill').length
  let rig = await openMemory(path)
  for (const retain of [true, true, false]) {
    await putWill(rig, retain)
    t.equal(wills(rig), retain ? 1 : 0)
    await rig.memory.stop()
    rig = await openMemory(path)
    t.equal(wills(rig), retain ? 1 : 0, 'the same on the disk')
  }
  await rig.memory.stop()
})

async function restart(rig: BrokerRig, path: string): Promise<void> {
  await rig.broker.stop()
  const { core, users, log } = rig
  const host = '127.0.0.1'
  rig.broker = await startBroker({
    listeners: [
      { host, port: 0, anonymous: false },
      { host, port: 0, anonymous: true },
    ],
    ...{ gatewayId: gw, core, users, clock: systemClock, log, version: '1.2.3', database: { path } },
  })
}

t.test('sessions, what waits for them and what boards have retained outlast a restart', async t => {
  const path = databasePath(t)
  const rig = await BrokerRig.start(t, { database: { path } })
  t.notOk(existsSync(path), 'there is no database before something has to last')
  const options = { ...(await rig.user('desk', 'watch')), clean: false, clientId: 'k' }
  const shelf = await rig.connect({ ...(await rig.user('shelf', { boardId: board })), clientId: board })
  await shelf.client.publishAsync(`${own}/${board}/telemetry/n`, 'nobody', { qos: 2 })
  t.notOk(existsSync(path), 'nor for messages that nobody waits for')
  const away = await rig.connect(options)
  await away.client.subscribeAsync({ [`${own}/+/telemetry/#`]: { qos: 2 }, [`${own}/+/+`]: { qos: 1 } })
  await away.client.endAsync()
  for (let i = 0; i < 50; i++)
    await shelf.client.publishAsync(`${own}/${board}/telemetry/n`, String(i), { qos: i % 2 === 0 ? 1 : 2 })
  await shelf.client.publishAsync(`${own}/${board}/state`, '{"mode":"stopped"}', { qos: 1, retain: true })
  t.ok(rig.broker.stats().commits > 0)
  await restart(rig, path)
  t.match(rig.broker.stats(), { sessions: 1, queuedMessages: 51 })
  const watcher = await rig.connect()
  await watcher.client.subscribeAsync(`${own}/${board}/state`)
  await watcher.hears(`${own}/${board}/state`, '{"mode":"stopped"}')
  const back = await rig.connect(options)
  await until(() => back.heard.length >= 51, 'all of them')
  const numbers = back.heard.filter(({ topic }) => topic.endsWith('/n'))
  for (const qos of [1, 2])
    t.same(
      numbers.filter(each => each.qos === qos).map(({ text }) => text),
      Array.from({ length: 25 }, (_, i) => String(2 * i + qos - 1)),
      `QoS ${qos}, in order`,
    )
  await until(() => rig.broker.stats().queuedMessages === 0, 'the acknowledgements')
  await restart(rig, path)
  t.match(rig.broker.stats(), { sessions: 1, queuedMessages: 0 }, 'what was acknowledged is gone for good')
  await rig.users.remove('shelf')
  await rig.users.remove('desk')
  await until(() => rig.broker.stats().waitingForDisk === 0, 'the disk')
  await restart(rig, path)
  const late = await rig.connect()
  await late.client.subscribeAsync(`${own}/${board}/state`)
  await rig.broker.ping()
  t.match(rig.broker.stats(), { sessions: 0 }, 'a credential takes its sessions along')
  t.same(late.on(`${own}/${board}/state`), [], 'and what it has retained')
})

t.test('a session counts its time over restarts, and no jump of the clock ends it', async t => {
  const path = databasePath(t)
  const start = Date.UTC(2026, 5, 1)
  const runs = async (epochMs: number, hours: number) => {
    const clock = new VirtualClock(epochMs)
    const rig = await openMemory(path, { clock })
    const { count } = rig.memory.sessions
    for (let i = 0; i < hours; i++) {
      clock.advance(hourMs)
      rig.memory.sessions.sweep()
    }
    await rig.memory.stop()
    return [count, rig.memory.sessions.count]
  }
  const first = await openMemory(path, { clock: new VirtualClock(start) })
  await first.memory.sessions.subscribe('desk/1', desk, [{ topic: 'a', qos: 1 }])
  await first.memory.stop()
  t.same(await runs(start + 10 * hourMs, 3), [1, 1], '13 hours')
  t.same(await runs(start - 10 * 365 * 24 * hourMs, 1), [1, 1], 'the clock went back: 14')
  t.same(await runs(start + 13 * hourMs, 8), [1, 1], 'a clock that was never set says nothing: 22')
  t.same(await runs(start + 21 * hourMs, 1), [1, 1], '23')
  t.same(await runs(start + 22.5 * hourMs, 1), [1, 0], 'and half an hour, and one')
  const used = await openMemory(path, { clock: new VirtualClock(start) })
  await used.memory.sessions.subscribe('desk/1', desk, [{ topic: 'a', qos: 1 }])
  used.connected.add('desk/1')
  for (let i = 0; i < 100; i++) {
    ;(used.clock as VirtualClock).advance(hourMs)
    used.memory.sessions.sweep()
  }
  t.equal(used.memory.sessions.count, 1, 'whoever is there does not wait')
  await used.memory.journal.stop()
  used.storage.writer.close()
  t.same(await runs(start + 110 * hourMs, 1), [1, 1], 'a kill, and ten hours')
  t.same(await runs(start + 300 * hourMs, 0), [0, 0])
})

t.test('a kill takes no session for longer away than it was [MQTT-3.1.2-4]', async t => {
  const start = Date.UTC(2026, 5, 1)
  const kill = async ({ memory, storage }: MemoryRig) => {
    await memory.journal.stop()
    storage.writer.close()
  }
  const path = databasePath(t)
  const openAt = (hours: number) => openMemory(path, { clock: new VirtualClock(start + hours * hourMs) })
  const first = await openAt(0)
  await first.memory.sessions.subscribe('desk/1', desk, [{ topic: 'a', qos: 1 }])
  await first.memory.stop()
  const second = await openAt(20)
  second.memory.sessions.resume('desk/1')
  t.equal(await publish(second, 'a'), null)
  await kill(second)
  const third = await openAt(40)
  t.same(
    [third.memory.sessions.count, third.memory.stats().queuedMessages],
    [1, 1],
    'it was here 20 hours ago',
  )
  third.memory.sessions.end('desk/1')
  await kill(third)
  const fourth = await openAt(100)
  await fourth.memory.sessions.subscribe('desk/2', desk, [{ topic: 'a', qos: 1 }])
  t.equal(await publish(fourth, 'a'), null)
  await kill(fourth)
  const fifth = await openAt(101)
  t.same([fifth.memory.sessions.count, fifth.memory.stats().queuedMessages], [1, 1], 'begun an hour ago')
  await fifth.memory.stop()
})

t.test('what a disk has refused is refused when it is asked for again', async t => {
  const { memory, storage } = await openMemory(databasePath(t))
  const { sessions } = memory
  const subscribe = () => sessions.subscribe('desk/1', desk, [{ topic: 'a', qos: 2 }])
  const ways: readonly (readonly [
    name: string,
    ask: () => Promise<void>,
    kept: () => number,
    wanted: number,
  ])[] = [
    ['SUBSCRIBE', subscribe, () => storage.writer.read().filters.length, 1],
    ['PUBREC', () => sessions.release('desk/1', 1), () => storage.writer.read().queue[0]?.released ?? 0, 1],
    [
      'UNSUBSCRIBE',
      () => sessions.unsubscribe('desk/1', ['a']),
      () => storage.writer.read().filters.length,
      0,
    ],
  ]
  for (const [name, ask, kept, wanted] of ways) {
    if (name === 'PUBREC')
      t.equal(await publish({ memory } as MemoryRig, 'a', { qos: 2, messageId: 1 }), null)
    storage.fail = new AppError('storage_failed', 'the disk failed')
    for (const time of ['once', 'again'])
      await t.rejects(ask(), { code: 'storage_failed' }, `${name} ${time}`)
    t.not(kept(), wanted, `${name} is not on the disk`)
    storage.fail = undefined
    await ask()
    t.equal(kept(), wanted, `${name} is kept`)
  }
  await memory.stop()
})

t.test(
  'PUBCOMP is sent when the end of its message is on the disk, and not before [MQTT-4.3.3-2]',
  async t => {
    const path = databasePath(t)
    const rig = await BrokerRig.start(t, { database: { path } })
    const enter = async () => {
      const client = await RawClient.open(t, rig.openPort)
      client.send(connectPacket('s', { flags: 0 }))
      await client.gets('2002')
      return client
    }
    const first = await enter()
    first.send(publishPacket('t', 'one', { qos: 2, id: 1 }))
    await first.gets('50020001')
    const { write } = BrokerDatabase.prototype
    t.teardown(() => {
      BrokerDatabase.prototype.write = write
    })
    BrokerDatabase.prototype.write = () => Promise.reject(new AppError('storage_failed', 'the disk failed'))
    for (const client of [first, await enter()]) {
      client.send('62020001')
      await client.ends()
      t.notMatch(client.received, '70020001')
    }
    BrokerDatabase.prototype.write = write
    const last = await enter()
    last.send('62020001')
    await last.gets('70020001')
    const db = new Sqlite(path, { readonly: true })
    t.same(db.prepare('SELECT * FROM incoming').all(), [])
    db.close()
  },
)

t.test('a full disk: what must last is not acknowledged, QoS 0 goes on, and it mends itself', async t => {
  const path = databasePath(t)
  const rig = await BrokerRig.start(t, { database: { path, maxBytes: 160 * 1024 } })
  const options = { ...(await rig.user('desk', 'watch')), clean: false, clientId: 'k' }
  const away = await rig.connect(options)
  await away.client.subscribeAsync(`${own}/+/telemetry/#`, { qos: 1 })
  await away.client.endAsync()
  const shelf = await rig.connect({ ...(await rig.user('shelf', { boardId: board })), clientId: board })
  let cut = false
  shelf.client.on('close', () => {
    cut = true
  })
  let kept = 0
  while (!cut && kept < 1000) {
    const acknowledged = shelf.client
      .publishAsync(`${own}/${board}/telemetry/n`, Buffer.alloc(4000, String(kept)), { qos: 1 })
      .then(() => kept++)
    await Promise.race([acknowledged.catch(() => undefined), until(() => cut, 'the cut', 30_000)])
  }
  t.ok(cut, 'its sender is cut off')
  t.ok(kept > 5, `${kept} were kept`)
  t.match(rig.broker.storageFault(), /cannot be stored: no room is left .*broker\.db/)
  t.equal(rig.logged(/cannot be stored/).length, 1, 'one line in the log')
  const talker = await rig.connect()
  await talker.client.subscribeAsync(`${own}/cmd/x`)
  await talker.client.publishAsync(`${own}/cmd/x`, '{}', { qos: 1 })
  await talker.hears(`${own}/cmd/x`, '{}')
  const back = await rig.connect(options)
  await until(
    () => back.heard.length >= kept,
    () => `what was acknowledged; ${back.heard.length} of ${kept}`,
  )
  await until(() => rig.broker.storageFault() === undefined, 'room again', 20_000)
  const again = await rig.connect({ ...shelf.client.options, reconnectPeriod: 0, port: rig.port })
  await again.client.publishAsync(`${own}/${board}/telemetry/n`, 'after', { qos: 1 })
  await back.hears(`${own}/${board}/telemetry/n`, 'after')
})

t.test('a damaged broker.db is moved aside, and stops nothing', async t => {
  const path = databasePath(t)
  writeFileSync(path, 'no database at all'.repeat(300))
  const rig = await BrokerRig.start(t, { database: { path } })
  t.match(rig.broker.storageFault(), /broker\.db was damaged and is kept as broker\.db\.damaged-1/)
  t.equal(rig.logged(/moved aside/).length, 1)
  const away = await rig.connect({ ...(await rig.user('desk', 'watch')), clean: false, clientId: 'k' })
  await away.client.subscribeAsync('#', { qos: 1 })
  await restart(rig, path)
  t.equal(rig.broker.stats().sessions, 1, 'the new one serves')
  rmSync(`${path}.damaged-1`)
  t.equal(rig.broker.storageFault(), undefined, 'until somebody has looked at it')

  const other = `${t.testdir({ other: {} })}/other/broker.db`
  const first = await openMemory(other, { clock: systemClock })
  await first.memory.sessions.subscribe('desk/1', desk, [{ topic: '#', qos: 1 }])
  for (const topic of ['a', 'b']) await publish(first, topic)
  await first.memory.stop()
  const db = new Sqlite(other)
  db.exec("UPDATE messages SET payload = x'00' WHERE topic = 'a'")
  db.close()
  const second = await openMemory(other, { clock: systemClock })
  t.equal(second.memory.stats().queuedMessages, 1, 'a row that is not what it was is not sent')
  second.storage.fail = new AppError(
    'storage_failed',
    `${other} is damaged: move it away and restore a backup`,
  )
  t.type(await publish(second, 'c'), AppError)
  second.storage.fail = undefined
  await until(() => !second.memory.journal.busy, 'the new file')
  t.equal(await publish(second, 'd'), null)
  await second.memory.stop()
  // A clock that went back says nothing of the time between.
  const third = await openMemory(other, { clock: new VirtualClock(0) })
  t.same(ordered(third.memory.snapshot()), ordered(second.memory.snapshot()), 'written anew from memory')
  t.same(
    readdirSync(`${t.testdirName}/other`).filter(name => name.includes('damaged')),
    ['broker.db.damaged-1'],
  )
  await third.memory.stop()
})

t.test(
  'what is written waits in its thread: the broker serves others meanwhile, and answers in order',
  async t => {
    const path = databasePath(t)
    const rig = await BrokerRig.start(t, { database: { path, commitDelayMs: 400 } })
    const away = await rig.connect({ ...(await rig.user('desk', 'watch')), clean: false, clientId: 'k' })
    await away.client.subscribeAsync(`${own}/+/telemetry/#`, { qos: 1 })
    await away.client.endAsync()
    const talker = await rig.connect()
    await talker.client.subscribeAsync(`${own}/cmd/x`)
    const raw = await RawClient.open(t, rig.openPort)
    raw.send(connectPacket('raw'))
    await raw.gets('20 02 00 00')
    const shelf = await rig.connect({ ...(await rig.user('shelf', { boardId: board })), clientId: board })
    const order: string[] = []
    const slow = Array.from({ length: 5 }, (_, i) =>
      shelf.client
        .publishAsync(`${own}/${board}/telemetry/n`, String(i), { qos: 1 })
        .then(() => order.push(`kept ${i}`)),
    )
    // For nobody who waits, but behind those of the same client that do.
    slow.push(
      shelf.client
        .publishAsync(`${own}/${board}/cmd/x/result`, 'x', { qos: 1 })
        .then(() => order.push('behind')),
    )
    await until(() => rig.broker.stats().waitingForDisk >= 5, 'the disk')
    for (let i = 0; i < 20; i++) {
      raw.send(publishPacket(`${own}/cmd/x`, String(i), { qos: 1, id: i + 1 }))
      await talker.hears(`${own}/cmd/x`, String(i))
    }
    order.push('others')
    await Promise.all(slow)
    t.same(order, ['others', 'kept 0', 'kept 1', 'kept 2', 'kept 3', 'kept 4', 'behind'])
    t.ok(rig.broker.stats().commits <= 4, 'messages that come together share a commit')
  },
)

t.test('the will of a client that does not come back after a kill is sent', async t => {
  const path = databasePath(t)
  const will = (topic: string) => ({ topic, payload: Buffer.from('offline'), qos: 1 as const, retain: true })
  const first = await openMemory(path)
  for (const id of ['desk/1', 'desk/2', 'desk/3'])
    await first.memory.persistence.putWill({ id }, will(`w/${id}`))
  await first.memory.persistence.delWill({ id: 'desk/3' })
  await first.memory.journal.stop()
  first.storage.writer.close()
  const clock = new VirtualClock()
  const second = await openMemory(path, { clock })
  const sent: string[] = []
  second.memory.sendOrphanedWills(({ topic, payload }) => void sent.push(`${topic} ${payload}`))
  await second.memory.persistence.delWill({ id: 'desk/2' })
  await second.memory.persistence.putWill({ id: 'desk/2' }, will('w/desk/2'))
  clock.advance(60_000)
  t.same(sent, ['w/desk/1 offline'])
  await second.memory.stop()
  const third = await openMemory(path)
  t.same(
    third.memory.snapshot().map(({ args }) => args[0]),
    ['desk/2'],
  )
  await third.memory.stop()
})
