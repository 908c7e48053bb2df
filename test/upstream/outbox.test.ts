import t from 'tap'
import { Outbox, type OutboxStore } from '../../src/broker/upstream/outbox.ts'
import { SendWindow } from '../../src/broker/upstream/send-window.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { DroppedRow } from '../../src/store/outbox/outbox-row.ts'
import { OutboxThread } from '../../src/store/outbox/outbox-thread.ts'
import { gw, until } from '../broker/broker-rig.ts'
import { FakeAbove, turns } from './fake-above.ts'
import { databaseOf, settingsOf, UpstreamRig } from './upstream-rig.ts'

const message = (topic: string, text: string, more: object = {}) => ({
  ...{ topic, payload: Buffer.from(text), class: 'message' as const, retain: false },
  ...more,
})

async function outboxOn(store: OutboxStore, maxBytes = 1e9) {
  const window = new SendWindow()
  const dropped: DroppedRow[] = []
  const outbox = new Outbox({
    ...{ store, upstream: 'u', window, clock: systemClock, log: silentLog, onReady: () => undefined },
    limits: { maxBytes, maxAgeMs: 1e12 },
    onDropped: rows => dropped.push(...rows),
  })
  await outbox.open()
  return { outbox, window, dropped }
}

t.test('far more than the memory holds goes through, in order, and the memory stays bounded', async t => {
  const path = await databaseOf(t)
  const first = await OutboxThread.open(path)
  const { outbox, window } = await outboxOn(first)
  const count = 5_000
  const payload = 'x'.repeat(200)
  const kept = Array.from({ length: count }, (_, i) => outbox.keep(message(`t/${i % 3}`, `${i} ${payload}`)))
  await Promise.all(kept)
  t.ok(window.rows <= 1_024)
  await outbox.close()
  await first.close()

  const second = await OutboxThread.open(path)
  t.teardown(() => second.close())
  const later = await outboxOn(second)
  t.equal(later.outbox.usage.rows, count)
  const numbers: number[][] = [[], [], []]
  let arrived = 0
  while (arrived < count) {
    const next = later.window.take(true)
    if (next === undefined) {
      await new Promise(setImmediate)
      later.outbox.refill()
      continue
    }
    t.ok(later.window.rows <= 1_024) || t.bailout()
    numbers[Number(next.topic.slice(2))]?.push(Number.parseInt(Buffer.from(next.payload).toString(), 10))
    later.window.acknowledged(next)
    later.outbox.remove(next.topic, next.seq ?? 0)
    arrived++
    if (arrived === 100) await later.outbox.keep(message('t/0', `${count} late`))
  }
  t.same(
    numbers[1],
    [...(numbers[1] ?? [])].sort((a, b) => a - b),
  )
  await later.outbox.settle()
  const last = later.window.take(true)
  t.ok(last === undefined || last.topic === 't/0', 'what came in between is behind the backlog')
  t.ok(later.outbox.usage.rows <= 1)
  await later.outbox.close()
})

t.test('a full outbox drops what is worth least and says so', async t => {
  const store = await OutboxThread.open(await databaseOf(t))
  t.teardown(() => store.close())
  const { outbox, window, dropped } = await outboxOn(store, 100_000)
  for (let i = 0; i < 100; i++) {
    outbox.note(message(`tele/${i}`, 'x'.repeat(1000), { class: 'telemetry' }))
    await outbox.keep(message(`m/${i}`, 'x'.repeat(500)))
  }
  await outbox.settle()
  t.ok(outbox.usage.bytes <= 100_000)
  t.equal(outbox.usage.byClass.message, 100)
  t.ok(dropped.length > 40 && dropped.every(row => row.class === 'telemetry' && row.reason === 'space'))
  t.equal(window.rows, outbox.usage.rows, 'nor do they stay in memory')
  await outbox.close()
})

t.test(
  'what cannot be written is not promised and not sent; the rest is written when the disk is well',
  async t => {
    const real = await OutboxThread.open(await databaseOf(t))
    t.teardown(() => real.close())
    let broken = false
    const store: OutboxStore = {
      call: (call, ...args) =>
        broken && call === 'commit'
          ? Promise.reject(new AppError('storage_failed', 'no room is left'))
          : real.call(call, ...args),
    }
    const { outbox, window } = await outboxOn(store)
    await outbox.keep(message('a', '1'))
    broken = true
    outbox.note(message('b', '2'))
    await t.rejects(outbox.keep(message('a', '3')), { code: 'storage_failed' })
    t.equal(outbox.fault, 'no room is left')
    t.equal(window.rows, 2)
    broken = false
    await outbox.keep(message('a', '4'))
    t.equal(outbox.fault, undefined)
    const page = await real.call('read', 'u', 0, 9, 1e6)
    t.same(
      page.rows.map(({ payload }) => Buffer.from(payload).toString()),
      ['1', '2', '4'],
    )
    await outbox.close()
  },
)

t.test('a broker above that says nothing is left after 20 s, and everything goes again', async t => {
  const clock = new VirtualClock()
  const above = new FakeAbove(clock)
  const up = await UpstreamRig.start(t, [settingsOf({ url: 'mqtt://above' })], {
    ...{ clock, open: above.open, random: () => 1 },
  })
  await turns()
  t.equal(up.view.state, 'online')
  above.mute = true
  const { client } = await up.rig.connect({
    ...(await up.rig.user('shelf', { boardId: '10101010-1010-1010-1010-101010101010' })),
    clientId: 'shelf',
  })
  const topic = `pixelgate/${gw}/10101010-1010-1010-1010-101010101010/telemetry/volt`
  await client.publishAsync(topic, '1', { qos: 1 })
  await client.publishAsync(topic, '2', { qos: 1 })
  await until(() => above.texts(topic).length === 1, 'one of the topic at a time')
  clock.advance(26_000)
  await turns()
  t.equal(up.view.state, 'waiting')
  t.match(up.view.fault, /acknowledged nothing for 20 s/)
  above.mute = false
  clock.advance(500)
  await turns()
  await until(() => above.texts(topic).length === 3, 'both')
  t.same(above.texts(topic), ['1', '1', '2'])
  const ids = above.published
    .filter(({ message }) => message.topic === topic)
    .map(({ message }) => message.id)
  t.equal(ids[0], ids[1], 'a repetition has the same name')
  t.equal(above.opened.length, 2)
  await client.publishAsync(topic, 'x'.repeat(11_000), { qos: 1 })
  await until(() => up.view.dropped.tooLarge === 1, 'a message that it does not take')
  await client.publishAsync(topic, '3', { qos: 1 })
  await until(() => above.texts(topic).includes('3'), 'the next one')
})
