import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  backoffMs,
  type ConnectionInput,
  type ConnectionState,
  connectionStep,
  longestDelayMs,
  stoppedConnection,
} from '../../src/broker/upstream/connection-machine.ts'
import { explainFault } from '../../src/broker/upstream/explain-fault.ts'
import { type Sendable, SendWindow } from '../../src/broker/upstream/send-window.ts'
import { loops, TopicMap } from '../../src/broker/upstream/topic-map.ts'
import { openOutbox } from '../../src/store/outbox/open-outbox.ts'
import type { OutboxBatch, OutboxRow } from '../../src/store/outbox/outbox-row.ts'
import { OutboxTable } from '../../src/store/outbox/outbox-table.ts'

const row = (seq: number, topic: string, more: Partial<OutboxRow> = {}): OutboxRow => ({
  ...{ seq, topic, epoch: 'e', payload: Buffer.from(`${seq}`), class: 'message', retain: false, livedMs: 0 },
  ...more,
})

t.test('the connection machine', async t => {
  const rules = { protocol: 'auto' as const, random: () => 0.5 }
  const run = (inputs: readonly (ConnectionInput | number)[], more = rules) => {
    let state: ConnectionState = stoppedConnection
    let nowMs = 0
    const effects: string[] = []
    for (const input of inputs) {
      if (typeof input === 'number') nowMs += input
      else {
        const step = connectionStep(state, input, nowMs, more)
        state = step.state
        for (const effect of step.effects)
          effects.push(
            effect.type === 'connect'
              ? `connect ${effect.level} to ${effect.urlIndex}`
              : effect.type === 'wait'
                ? `wait ${effect.delayMs}`
                : 'end',
          )
      }
    }
    return { state, effects }
  }
  const refused = { type: 'failed', fault: { message: '', version: true } } as const
  const failed = { type: 'failed', fault: { message: '', version: false } } as const

  t.test('tries MQTT 3.1.1 at once where 5 is not spoken, and stays with what has worked', async t => {
    const { effects } = run([
      { type: 'start' },
      refused,
      { type: 'opened' },
      20_000,
      { type: 'lost' },
      { type: 'timer' },
    ])
    t.same(effects, ['connect 5 to 0', 'connect 4 to 0', 'wait 375', 'connect 4 to 1'])
  })

  t.test(
    'waits longer and longer, begins anew after a steady connection, and goes on to the next address',
    async t => {
      const round = [failed, { type: 'timer' }] as const
      const { effects } = run([
        { type: 'start' },
        ...round,
        ...round,
        ...round,
        { type: 'opened' },
        { type: 'lost' },
      ])
      t.same(effects, [
        ...['connect 5 to 0', 'wait 375', 'connect 5 to 1', 'wait 750', 'connect 5 to 2', 'wait 1500'],
        ...['connect 5 to 3', 'wait 3000'],
      ])
      const steady = run([
        { type: 'start' },
        ...round,
        ...round,
        { type: 'opened' },
        10_000,
        { type: 'lost' },
      ])
      t.equal(steady.effects.at(-1), 'wait 375')
    },
  )

  t.test('with a version that was chosen it tries no other', async t => {
    const { effects } = run([{ type: 'start' }, refused], { protocol: 5, random: () => 0 } as never)
    t.same(effects, ['connect 5 to 0', 'wait 250'])
  })

  t.test(
    'whatever happens: a stop ends it, one thing is under way at a time, and no wait is longer than a minute',
    async () => {
      const input = fc.constantFrom<ConnectionInput>(
        { type: 'start' },
        { type: 'opened' },
        refused,
        failed,
        { type: 'lost' },
        { type: 'timer' },
        { type: 'stop' },
      )
      fc.assert(
        fc.property(
          fc.array(input, { maxLength: 60 }),
          fc.double({ min: 0, max: 1, noNaN: true }),
          (inputs, lot) => {
            let state: ConnectionState = stoppedConnection
            for (const each of inputs) {
              const step = connectionStep(state, each, 0, { protocol: 'auto', random: () => lot })
              state = step.state
              if (step.effects.length > 1) return false
              for (const effect of step.effects) {
                if (effect.type === 'wait' && (effect.delayMs > longestDelayMs || state.is !== 'waiting'))
                  return false
                if (effect.type === 'connect' && state.is !== 'connecting') return false
              }
              if (each.type === 'stop' && state.is !== 'stopped') return false
            }
            return backoffMs(inputs.length, () => lot) >= 250
          },
        ),
      )
    },
  )
})

t.test('the window', async t => {
  const sendable = (seq: number, topic: string): Sendable => row(seq, topic)

  t.test(
    'keeps the order of each topic over any losses, sends everything, and twice only what a loss has hit',
    async () => {
      const step = fc.oneof(
        fc.record({ is: fc.constant('push' as const), topic: fc.constantFrom('a', 'b', 'c', 'd') }),
        fc.record({ is: fc.constant('take' as const) }),
        fc.record({ is: fc.constant('ack' as const), which: fc.nat() }),
        fc.record({ is: fc.constant('lost' as const) }),
      )
      fc.assert(
        fc.property(fc.array(step, { maxLength: 200 }), steps => {
          const window = new SendWindow()
          const pushed: Sendable[] = []
          const arrived: Sendable[] = []
          let underWay: Sendable[] = []
          const take = () => {
            const next = window.take(true)
            if (next === undefined) return false
            if (underWay.some(({ topic }) => topic === next.topic)) throw new Error('two of one topic')
            underWay.push(next)
            return true
          }
          const ack = (which: number) => {
            const [message] = underWay.splice(which % Math.max(1, underWay.length), 1)
            if (message === undefined) return
            arrived.push(message)
            window.acknowledged(message)
          }
          for (const each of steps) {
            if (each.is === 'push') {
              const message = sendable(pushed.length + 1, each.topic)
              pushed.push(message)
              window.push(message)
            } else if (each.is === 'take') take()
            else if (each.is === 'ack') ack(each.which)
            else {
              window.lost(false)
              underWay = []
            }
          }
          while (underWay.length > 0 || take()) ack(0)
          const seqs = (list: readonly Sendable[], topic: string) =>
            list.filter(message => message.topic === topic).map(({ seq }) => seq)
          return (
            window.rows === 0 &&
            window.bytes === 0 &&
            ['a', 'b', 'c', 'd'].every(topic => `${seqs(arrived, topic)}` === `${seqs(pushed, topic)}`)
          )
        }),
      )
    },
  )

  t.test(
    'what ends the connection each time is sent alone, after the others, and at last set aside',
    async t => {
      const window = new SendWindow()
      window.push(sendable(1, 'bad'))
      for (let i = 2; i < 6; i++) window.push(sendable(i, `good/${i}`))
      const taken: (string | undefined)[][] = []
      let aside: readonly string[] = []
      for (let round = 0; round < 8 && aside.length === 0; round++) {
        const now: Sendable[] = []
        for (let next = window.take(true); next !== undefined; next = window.take(true)) {
          now.push(next)
          if (next.topic !== 'bad') window.acknowledged(next)
        }
        taken.push(now.map(({ topic }) => topic))
        window.push(sendable(10 + round, `more/${round}`))
        aside = window.lost(true)
      }
      t.same(aside, ['bad'])
      t.same(taken[0], ['bad', 'good/2', 'good/3', 'good/4', 'good/5'])
      t.same(taken.at(-1), [`more/${taken.length - 2}`, 'bad'])
      window.push(sendable(99, 'bad'))
      t.equal(window.rows, 1, 'its topic is left alone')
      t.same(window.setAside, ['bad'])
    },
  )

  t.test('losses that nobody is to blame for set nothing aside', async t => {
    const window = new SendWindow()
    window.push(sendable(1, 'a'))
    for (let round = 0; round < 50; round++) {
      t.equal(window.take(true)?.topic, 'a')
      t.same(window.lost(false), [])
    }
  })

  t.test('current values go before anything older, and an older state gives way to a newer one', async t => {
    const window = new SendWindow()
    window.push(row(1, 'lamp', { class: 'state', retain: true }))
    window.push(row(2, 'lamp'))
    window.sync({ ...row(0, 'lamp', { class: 'state', retain: true }), seq: undefined })
    window.sync({ ...row(0, 'door', { class: 'state', retain: true }), seq: undefined })
    const first = window.take(false)
    const second = window.take(false)
    t.same(
      [first?.topic, first?.seq, second?.topic, window.take(false)],
      ['lamp', undefined, 'door', undefined],
    )
    t.equal(window.syncing, 2)
    if (first !== undefined) window.acknowledged(first)
    t.same(window.outdate('lamp', 2), [1], 'a message is no state')
    t.equal(window.take(true)?.seq, 2)
  })
})

const folderOf = (t: Test) => {
  const folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const batch = (more: Partial<OutboxBatch>): OutboxBatch => ({
  ...{ upstream: 'u', livedMs: 0, limits: { maxBytes: 1e9, maxAgeMs: 1e9 } },
  ...{ insert: [], remove: [], outdated: [], jobs: [] },
  ...more,
})

t.test('the outbox on the disk', async t => {
  t.test('gives back what was put in, in order and in pages, and forgets what has arrived', async t => {
    const { db } = openOutbox(join(folderOf(t), 'upstream.db'))
    t.teardown(() => db.close())
    const table = new OutboxTable(db)
    table.commit(batch({ insert: [1, 2, 3, 4, 5].map(seq => row(seq, `t/${seq % 2}`)), livedMs: 7 }))
    const first = table.read('u', 0, 2, 1e6)
    t.same([first.rows.map(({ seq }) => seq), first.last], [[1, 2], false])
    table.commit(batch({ remove: [3], livedMs: 8 }))
    const second = table.read('u', 2, 9, 1e6)
    t.same([second.rows.map(({ seq }) => seq), second.last], [[4, 5], true])
    t.match(second.rows[0], { topic: 't/0', epoch: 'e', retain: false, class: 'message' })
    t.same(Buffer.from(second.rows[0]?.payload ?? []).toString(), '4')
    t.equal(table.resume('other').known, false)
    t.match(table.resume('u'), { lastSeq: 5, livedMs: 8, known: true, usage: { rows: 4 } })
    t.equal(table.read('u', 0, 9, 1).rows.length, 1, 'a page has one row at least')
    table.commit(batch({ insert: [row(6, 't')], remove: [6] }))
    t.equal(table.resume('u').lastSeq, 5, 'what has arrived before it was written')
  })

  t.test('of a state the newest stays; an empty one too, since it clears what stands above', async t => {
    const { db } = openOutbox(join(folderOf(t), 'upstream.db'))
    t.teardown(() => db.close())
    const table = new OutboxTable(db)
    const state = { class: 'state', retain: true } as const
    table.commit(batch({ insert: [row(1, 'a', state), row(2, 'b', state), row(3, 'a')] }))
    table.commit(batch({ insert: [row(4, 'a', { ...state, payload: Buffer.alloc(0) })] }))
    t.same(
      table.read('u', 0, 9, 1e6).rows.map(({ seq }) => seq),
      [2, 3, 4],
    )
    table.commit(batch({ outdated: [{ topic: 'a', seq: 4 }] }))
    t.same(
      table.read('u', 0, 9, 1e6).rows.map(({ seq }) => seq),
      [2, 3],
    )
  })

  t.test(
    'when room is short telemetry goes first, then states, then the oldest messages, ends of uploads never',
    async t => {
      const { db } = openOutbox(join(folderOf(t), 'upstream.db'))
      t.teardown(() => db.close())
      const table = new OutboxTable(db)
      const classes = ['result', 'message', 'state', 'telemetry'] as const
      const insert = Array.from({ length: 400 }, (_, i) =>
        row(i + 1, `t/${i}`, { class: classes[i % 4] ?? 'message', payload: Buffer.alloc(1000) }),
      )
      t.same(table.commit(batch({ insert })).dropped, [])
      const whole = table.resume('u').usage.bytes
      const left = [0.85, 0.6, 0.4, 0.01].map(share => {
        const before = table.resume('u').usage
        const limits = { maxBytes: Math.round(whole * share), maxAgeMs: 1e9 }
        const { usage, dropped } = table.commit(batch({ limits }))
        t.equal(before.rows - dropped.length, usage.rows)
        t.ok(dropped.every(({ reason }) => reason === 'space'))
        return usage.byClass
      })
      t.match(left[0], { state: 100, message: 100, result: 100 })
      t.match(left[1], { telemetry: 0, message: 100, result: 100 })
      t.match(left[2], { telemetry: 0, state: 0, result: 100 })
      t.same(left[3], { telemetry: 0, state: 0, message: 0, result: 100 })
    },
  )

  t.test('what is too old goes, by the time that the gateway ran', async t => {
    const { db } = openOutbox(join(folderOf(t), 'upstream.db'))
    t.teardown(() => db.close())
    const table = new OutboxTable(db)
    const insert = Array.from({ length: 300 }, (_, i) => row(i + 1, 't', { livedMs: i }))
    table.commit(batch({ insert: [row(1000, 'r', { class: 'result' }), ...insert] }))
    const limits = { maxBytes: 1e9, maxAgeMs: 1000 }
    const { dropped } = table.commit(batch({ livedMs: 1200, limits }))
    t.equal(dropped.length, 200)
    t.ok(dropped.every(({ reason, seq }) => reason === 'age' && seq <= 200))
    t.equal(table.commit(batch({ livedMs: 1e9, limits })).usage.rows, 1)
  })

  t.test('ends of uploads are remembered, so that each is told once', async t => {
    const { db } = openOutbox(join(folderOf(t), 'upstream.db'))
    t.teardown(() => db.close())
    const table = new OutboxTable(db)
    table.commit(batch({ jobs: ['a', 'b'] }))
    t.same(table.unseenJobs('u', ['a', 'c', 'b']), ['c'])
    t.same(table.unseenJobs('other', ['a']), ['a'])
  })

  t.test(
    "a damaged file is moved aside, a damaged row is not sent, and another program's file stays",
    async t => {
      const folder = folderOf(t)
      const path = join(folder, 'upstream.db')
      writeFileSync(path, Buffer.alloc(8192, 7))
      const { db, damaged } = openOutbox(path)
      t.equal(damaged, `${path}.damaged-1`)
      const table = new OutboxTable(db)
      table.commit(batch({ insert: [row(1, 'a'), row(2, 'a')] }))
      db.prepare(`UPDATE outbox SET payload = x'00' WHERE seq = 1`).run()
      const page = table.read('u', 0, 9, 1e6)
      t.same([page.rows.map(({ seq }) => seq), page.damaged.map(({ seq }) => seq)], [[2], [1]])
      db.pragma('application_id = 1')
      db.close()
      t.throws(() => openOutbox(path), { code: 'storage_failed' })
      t.ok(readdirSync(folder).includes('upstream.db.damaged-1'))
    },
  )
})

t.test('topics above and here', async t => {
  const map = new TopicMap({
    prefixes: [{ local: 'pixelgate', remote: 'sites/attic/pixelgate' }],
    escape: false,
  })
  t.equal(map.toRemote('pixelgate/a/b'), 'sites/attic/pixelgate/a/b')
  t.equal(map.toRemote('pixelgates/a'), 'pixelgates/a')
  t.equal(map.toRemote('pixelgate/+/cmd/#'), 'sites/attic/pixelgate/+/cmd/#')
  t.equal(map.toLocal('sites/attic/pixelgate/a'), 'pixelgate/a')
  t.equal(map.toLocal('sites/cellar/pixelgate/a'), 'sites/cellar/pixelgate/a')
  const level = fc.stringMatching(/^[a-z .%]{1,6}$/)
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 5 }), fc.boolean(), (levels, own) => {
      const topic = [...(own ? ['pixelgate'] : ['x']), ...levels].join('/')
      const escaping = new TopicMap({ prefixes: [{ local: 'pixelgate', remote: 'r/s' }], escape: true })
      const remote = escaping.toRemote(topic)
      return !/[. ]/.test(remote) && escaping.toLocal(remote) === topic
    }),
  )
  t.same(loops(['pixelgate/#', 'a/+/b'], ['pixelgate/x/y', 'a/c', 'b/#']), [['pixelgate/#', 'pixelgate/x/y']])
})

t.test('faults of the network are told with what to do', async t => {
  const of = (code: string | number) =>
    explainFault('mqtts://x', Object.assign(new Error('raw'), { code })).message
  t.match(of('ENOTFOUND'), /DNS/)
  t.match(of('CERT_NOT_YET_VALID'), /clock/)
  t.match(of('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /caFile/)
  t.match(of(134), /passwordFile/)
  t.match(of('ERR_SSL_SOMETHING'), /TLS/)
  t.match(of('STRANGE'), /^mqtts:\/\/x: raw$/)
  t.ok(explainFault('x', Object.assign(new Error(''), { code: 1 })).version)
})
