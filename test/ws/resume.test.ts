import fc from 'fast-check'
import t from 'tap'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { LiveMessage, WelcomeView } from '../../src/wire/live.ts'
import { LatestValues } from '../../src/ws/latest-values.ts'
import { LiveHub } from '../../src/ws/live-hub.ts'
import { encode } from '../../src/ws/live-message.ts'
import { MessageRing } from '../../src/ws/message-ring.ts'
import { UnfinishedSnapshots } from '../../src/ws/unfinished-snapshots.ts'
import { eventually, isRising, type LiveCaller, type LiveRig, liveRig, person } from './live-rig.ts'

const anna = person('anna')

const message = (seq: number, topic = 'jobs', data: unknown = 'x'.repeat(100), key = '') =>
  encode(seq, { topic, type: 'job', data, wallTimeMs: 0 }, { key })

const welcomeOf = (caller: LiveCaller) => caller.of('session', 'welcome')[0]?.data as WelcomeView
const lastSeq = (caller: LiveCaller) => caller.messages.at(-1)?.seq ?? 0

async function comeBack(
  rig: LiveRig,
  { since, epoch = 'epoch', topics }: { since: number; epoch?: string; topics: string[] },
): Promise<LiveCaller> {
  const caller = await rig.join(anna)
  caller.send({ type: 'resume', since, epoch, topics })
  await caller.settle()
  return caller
}

t.test('who was cut off gets what it missed, once and in order, and goes on', async t => {
  const rig = await liveRig(t)
  const { hub, join } = rig
  const witness = await (await join(person('ben'))).subscribe('jobs', 'chat', 'health')
  const first = await join(anna)
  t.same(welcomeOf(first).epoch, 'epoch')
  await first.subscribe('jobs', 'chat')
  hub.publish('jobs', 'job', 1)
  await first.settle()
  first.socket.terminate()
  const since = lastSeq(first)
  hub.publish('jobs', 'job', 2)
  hub.publish('chat', 'message', 'hello', { to: ({ name }) => name === 'anna' })
  hub.publish('chat', 'message', 'secret', { to: ({ name }) => name === 'ben' })
  hub.publish('health', 'health', 'not asked for')
  hub.publish('jobs', 'job', 3)
  const back = await comeBack(rig, { since, topics: ['jobs', 'chat'] })
  hub.publish('jobs', 'job', 4)
  await Promise.all([back.settle(), witness.settle()])
  t.same(
    back.messages.filter(({ topic }) => topic !== 'session').map(({ data }) => data),
    [2, 'hello', 3, 4],
  )
  t.ok(isRising(back), 'the numbers rise, the greeting included')
  t.same(
    back.of('jobs').map(({ seq }) => seq),
    witness
      .of('jobs')
      .slice(1)
      .map(({ seq }) => seq),
    'and are those of everybody',
  )
  t.match(back.data('session', 'resumed'), [{ topics: ['jobs', 'chat'], since, replayed: 3 }])
  t.same(back.data('session', 'gap'), [])
  t.match(hub.stats(), { resumed: 1, gaps: 0 })
})

t.test(
  'who comes back too late, or to another run, is told of the gap and begins with snapshots',
  async t => {
    const rig = await liveRig(t, { limits: { ringMessages: 3 } })
    const { hub, join } = rig
    hub.provide('boards', () => [{ type: 'board', data: 'all' }])
    const first = await (await join(anna)).subscribe('jobs', 'boards', 'progress')
    const since = lastSeq(first)
    first.socket.terminate()
    hub.publish('progress', 'progress', 'newest', { key: 'j' })
    for (const n of [1, 2, 3]) hub.publish('jobs', 'job', n)
    const topics = ['jobs', 'boards', 'progress']
    t.same((await comeBack(rig, { since, topics })).data('jobs'), [1, 2, 3], 'three messages are kept')
    hub.publish('jobs', 'job', 4)
    const cases = [
      { since, epoch: 'epoch' },
      { since: lastSeq(first), epoch: 'of another run' },
      { since: 1_000_000, epoch: 'epoch' },
    ]
    for (const each of cases) {
      const late = await comeBack(rig, { ...each, topics })
      t.same(late.data('session', 'gap'), [{ topics }])
      t.same(late.data('session', 'subscribed'), [{ topics }])
      t.same(late.data('jobs'), [])
      t.same(late.data('boards'), ['all'])
      t.same(late.data('progress'), ['newest'])
      hub.publish('jobs', 'job', 'news')
      await late.settle()
      t.same(late.data('jobs'), ['news'])
      t.ok(isRising(late))
    }
    t.match(hub.stats(), { gaps: 3 })
  },
)

t.test('of topics where the newest value counts, that one is had after a cut', async t => {
  const rig = await liveRig(t)
  const { hub } = rig
  const first = await (await rig.join(anna)).subscribe('progress', 'metrics', 'typing')
  hub.publish('progress', 'progress', 'known', { key: 'a' })
  await first.settle()
  const since = lastSeq(first)
  first.socket.terminate()
  for (const n of [1, 2]) hub.publish('progress', 'progress', `b${n}`, { key: 'b' })
  hub.publish('progress', 'progress', 'ended', { key: 'c' })
  hub.forget('progress', 'c')
  hub.publish('metrics', 'sample', 'sample')
  hub.publish('typing', 'typing', 'long ago', { key: 'ben' })
  const back = await comeBack(rig, { since, topics: ['progress', 'metrics', 'typing'] })
  t.same(back.data('progress'), ['b2'])
  t.same(back.data('metrics'), ['sample'])
  t.same(back.data('typing'), [])
})

t.test('a filter holds for what was missed as for what comes', async t => {
  const rig = await liveRig(t)
  const { hub } = rig
  const caller = await rig.join(anna)
  for (const n of [1, 2]) hub.publish('jobs', 'job', { id: `j${n}`, boardId: 'b', n })
  caller.send({
    type: 'resume',
    since: 1,
    epoch: 'epoch',
    topics: ['jobs'],
    filter: { jobId: 'j2' },
  })
  await caller.settle()
  hub.publish('jobs', 'job', { id: 'j1', n: 3 })
  hub.publish('jobs', 'job', { id: 'j2', n: 4 })
  await caller.settle()
  t.same(
    caller.data('jobs').map(data => (data as { n: number }).n),
    [2, 4],
  )
})

t.test('a resume after a subscribe fills the hole between both and repeats nothing', async t => {
  const rig = await liveRig(t)
  const { hub } = rig
  hub.publish('jobs', 'job', 1)
  const caller = await (await rig.join(anna)).subscribe('jobs')
  hub.publish('jobs', 'job', 2)
  caller.send({ type: 'resume', since: 1, epoch: 'epoch', topics: ['jobs'] })
  await caller.settle()
  hub.publish('jobs', 'job', 3)
  await caller.settle()
  t.same(caller.data('jobs').sort(), [1, 2, 3])
})

t.test('who reads slowly gets all that it missed, and news in their turn', async t => {
  const rig = await liveRig(t, { limits: { coalesceBytes: 20_000, ringBytes: 64 * 1024 * 1024 } })
  const { hub } = rig
  const filler = 'x'.repeat(20_000)
  for (let n = 0; n < 900; n++) hub.publish('jobs', 'job', { n, filler })
  const caller = await rig.join(anna)
  caller.socket.pause()
  caller.socket.send(JSON.stringify({ type: 'resume', since: 1, epoch: 'epoch', topics: ['jobs'] }))
  caller.socket.send(JSON.stringify({ type: 'subscribe', topics: ['health'] }))
  caller.socket.send(JSON.stringify({ type: 'ping', id: 1 }))
  await eventually(() => (hub.clients()[0]?.bufferedBytes ?? 0) > 20_000, 'a client that is full')
  for (let n = 900; n < 910; n++) hub.publish('jobs', 'job', { n, filler })
  hub.publish('progress', 'progress', 'nobody')
  t.ok((hub.clients()[0]?.bufferedBytes ?? 0) < 100_000, 'no more is held than a slow client may')
  caller.socket.resume()
  await caller.until(({ type }) => type === 'resumed', 'resumed')
  await caller.until(({ type }) => type === 'subscribed', 'the answer that had to wait')
  t.same(
    caller.data('jobs').map(data => (data as { n: number }).n),
    Array.from({ length: 910 }, (_, n) => n),
  )
  t.match(caller.data('session', 'resumed'), [{ replayed: 910 }])
  t.same(caller.data('session', 'subscribed'), [{ topics: ['jobs', 'health'] }])
})

t.test('a slow reader whom the ring overtakes is told of the gap instead of losing messages', async t => {
  const rig = await liveRig(t, {
    limits: { coalesceBytes: 1000, ringMessages: 1000, ringBytes: 64 * 1024 * 1024 },
  })
  const { hub } = rig
  const filler = 'x'.repeat(20_000)
  for (let n = 0; n < 1000; n++) hub.publish('jobs', 'job', { n, filler })
  const caller = await rig.join(anna)
  caller.socket.pause()
  caller.socket.send(JSON.stringify({ type: 'resume', since: 1, epoch: 'epoch', topics: ['jobs'] }))
  await eventually(() => (hub.clients()[0]?.bufferedBytes ?? 0) > 1000, 'a client that is full')
  for (let n = 1000; n < 2000; n++) hub.publish('jobs', 'job', { n, filler: '' })
  caller.socket.resume()
  await caller.until(({ type }) => type === 'gap', 'gap')
  hub.publish('jobs', 'job', { n: 2000 })
  await caller.settle()
  const seen = caller.data('jobs').map(data => (data as { n: number }).n)
  t.same(
    seen.slice(0, -1),
    Array.from({ length: seen.length - 1 }, (_, n) => n),
  )
  t.equal(seen.at(-1), 2000)
})

t.test('news that were not made, as nobody listened, are a gap for whoever comes back', async t => {
  const rig = await liveRig(t)
  const { hub } = rig
  hub.provide('boards', () => [{ type: 'board', data: 'now' }])
  const first = await (await rig.join(anna)).subscribe('boards', 'jobs')
  await first.until(({ topic }) => topic === 'boards', 'snapshot')
  await first.settle()
  const since = lastSeq(first)
  first.socket.terminate()
  hub.leaveOut('boards')
  t.same((await comeBack(rig, { since, topics: ['jobs'] })).data('session', 'gap'), [])
  const back = await comeBack(rig, { since, topics: ['boards', 'jobs'] })
  t.same(back.data('session', 'gap'), [{ topics: ['boards', 'jobs'] }])
  t.same(back.data('boards'), ['now'])
})

t.test('who is cut off in the middle of a snapshot gets it anew', async t => {
  const rig = await liveRig(t)
  const { hub } = rig
  let make: () => void = () => undefined
  hub.provide('boards', async () => {
    await new Promise<void>(resolve => {
      make = resolve
    })
    return [{ type: 'board', data: 'all' }]
  })
  const first = await (await rig.join(anna)).subscribe('boards', 'jobs')
  hub.publish('jobs', 'job', 1)
  await first.settle()
  const since = lastSeq(first)
  const late = async (topics: string[]) => {
    const back = await comeBack(rig, { since, topics })
    make()
    await back.settle()
    return back
  }
  first.socket.terminate()
  await eventually(() => hub.clients().length === 0, 'the end of the connection')
  const back = await late(['boards', 'jobs'])
  t.same(back.data('session', 'gap'), [{ topics: ['boards', 'jobs'] }])
  await back.until(({ data }) => data === 'all', 'snapshot')
  t.same((await late(['jobs'])).data('session', 'gap'), [], 'the other topic had no snapshot')
  const whole = await comeBack(rig, { since: lastSeq(back), topics: ['boards', 'jobs'] })
  t.same(whole.data('session', 'gap'), [], 'with the whole snapshot there is nothing to repeat')
})

t.test('a newest value that came late is not lost with a cut after that', async t => {
  const rig = await liveRig(t, { limits: { ringMessages: 1 } })
  const { hub } = rig
  hub.publish('progress', 'progress', 'newest', { key: 'a' })
  for (const n of [1, 2]) hub.publish('jobs', 'job', n)
  const late = await comeBack(rig, { since: 1, topics: ['progress', 'jobs'] })
  t.same(late.data('progress'), ['newest'])
  const [gap] = late.of('session', 'gap')
  const again = await comeBack(rig, { since: gap?.seq ?? 0, topics: ['progress', 'jobs'] })
  t.same(again.data('progress'), ['newest'], 'who has read no further than the gap gets it once more')

  const witness = await (await rig.join(anna)).subscribe('jobs')
  const slow = await (await rig.join(person('ben'))).subscribe('progress', 'jobs')
  slow.socket.pause()
  const ben = () => hub.clients().find(({ user }) => user === 'ben')
  const filler = 'x'.repeat(100_000)
  while ((ben()?.bufferedBytes ?? 0) < 64 * 1024) {
    hub.publish('jobs', 'job', filler)
    await new Promise(setImmediate)
  }
  hub.publish('progress', 'progress', 'held', { key: 'b' })
  hub.publish('jobs', 'job', 'after it')
  await witness.settle()
  const since = witness.of('jobs').at(-1)?.seq ?? 0
  slow.socket.terminate()
  await eventually(() => ben() === undefined, 'the end of the slow one')
  const back = await comeBack(rig, { since, topics: ['progress'] })
  t.same(back.data('progress'), ['held'], 'what was never written is had after a cut as well')
})

t.test('too many requests while missed messages are sent end the connection', async t => {
  const rig = await liveRig(t, { limits: { coalesceBytes: 1000, turns: 2, ringBytes: 64 * 1024 * 1024 } })
  for (let n = 0; n < 900; n++) rig.hub.publish('jobs', 'job', 'x'.repeat(20_000))
  const caller = await rig.join(anna)
  caller.socket.pause()
  caller.socket.send(JSON.stringify({ type: 'resume', since: 1, epoch: 'epoch', topics: ['jobs'] }))
  await eventually(() => (rig.hub.clients()[0]?.bufferedBytes ?? 0) > 1000, 'a client that is full')
  for (let n = 0; n < 3; n++) caller.socket.send(JSON.stringify({ type: 'subscribe', topics: ['health'] }))
  await eventually(() => rig.hub.stats().messagesIn === 4, 'three requests')
  caller.socket.resume()
  t.match(await caller.end(), { code: 4429 })
})

/** A client that keeps what it has understood, and forgets nothing when it is cut off. */
class Reader {
  readonly topics = ['boards', 'jobs', 'chat', 'progress']
  readonly boards = new Map<string, number>()
  /** Numbers of jobs and chat messages, as they came since the last gap. */
  readonly lists: Record<string, number[]> = { jobs: [], chat: [] }
  readonly progress = new Map<string, number>()
  gaps = 0
  since = 0
  epoch = ''
  #caller: LiveCaller | undefined
  #read = 0
  #epochOfCaller = ''
  #fetched = new Set<number>()

  /** The connection is there; nothing of it was looked at. */
  async connect(rig: LiveRig): Promise<void> {
    this.#caller = rig.connect(anna)
    this.#read = 0
    const { data } = await this.#caller.until(({ type }) => type === 'welcome', 'welcome')
    const { epoch, seq } = data as WelcomeView
    this.#epochOfCaller = epoch
    const { topics } = this
    if (this.epoch === '') {
      this.since = seq
      this.epoch = epoch
      this.#caller.send({ type: 'subscribe', topics })
    } else this.#caller.send({ type: 'resume', since: this.since, epoch: this.epoch, topics })
  }

  settle(): Promise<void> | undefined {
    return this.#caller?.settle()
  }

  /** Understands so many of the messages that have come. */
  read(most: number, model: Model): void {
    const { messages = [] } = this.#caller ?? {}
    for (const each of messages.slice(this.#read, this.#read + most)) {
      this.#read += 1
      if (each.type !== 'welcome') this.#take(each, model)
    }
  }

  /** What has come and was not read is lost with the connection. */
  cut(): void {
    this.#caller?.socket.terminate()
  }

  #take({ seq, topic, type, data }: LiveMessage, model: Model): void {
    if (type !== 'pong' && seq <= this.since) throw new Error(`${seq} came after ${this.since}: ${topic}`)
    this.since = seq
    this.epoch = this.#epochOfCaller
    if (type === 'gap') {
      this.gaps += 1
      // Asked for over HTTP; news of the same may still be on their way.
      for (const name of ['jobs', 'chat']) this.lists[name] = [...(model.lists[name] ?? [])]
      this.#fetched = new Set(['jobs', 'chat'].flatMap(name => model.lists[name] ?? []))
    }
    if (topic === 'boards') {
      const { id, n } = data as { id: string; n: number }
      this.boards.set(id, n)
    }
    if (topic === 'progress') {
      const { key, n } = data as { key: string; n: number }
      this.progress.set(key, n)
    }
    const { n } = data as { n: number }
    if (topic in this.lists && !this.#fetched.delete(n)) this.lists[topic]?.push(n)
  }
}

interface Model {
  readonly boards: Map<string, number>
  readonly lists: Record<string, number[]>
  readonly progress: Map<string, number>
}

type Step =
  | { kind: 'board' | 'progress'; key: string }
  | { kind: 'job' }
  | { kind: 'chat'; mine: boolean }
  | { kind: 'read' | 'cut'; most: number }
  | { kind: 'open' | 'gate' | 'settle' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('board' as const), key: fc.constantFrom('a', 'b', 'c') }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('job' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('chat' as const), mine: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('progress' as const), key: fc.constantFrom('x', 'y') }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'cut' as const), most: fc.nat(6) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('open' as const, 'gate' as const, 'settle' as const) }),
  },
)

async function play(rig: LiveRig, steps: readonly Step[]): Promise<{ reader: Reader; model: Model }> {
  const { hub } = rig
  const model: Model = { boards: new Map(), lists: { jobs: [], chat: [] }, progress: new Map() }
  let waiting: (() => void)[] | undefined
  const open = () => {
    for (const go of waiting ?? []) go()
    waiting = undefined
  }
  hub.provide('boards', async () => {
    const items = [...model.boards].map(([id, n]) => ({ type: 'board', data: { id, n } }))
    if (waiting !== undefined) await new Promise<void>(resolve => waiting?.push(resolve))
    return items
  })
  for (const [n, id] of ['a', 'b', 'c'].entries()) model.boards.set(id, -n)
  if (steps.length % 2 === 1) waiting = []
  const reader = new Reader()
  await reader.connect(rig)
  await reader.settle()
  reader.read(Number.POSITIVE_INFINITY, model)
  let connected = true
  const reconnect = async () => {
    if (!connected) await reader.connect(rig)
    connected = true
  }
  for (const [n, each] of steps.entries()) {
    switch (each.kind) {
      case 'board':
        model.boards.set(each.key, n)
        hub.publish('boards', 'board', { id: each.key, n })
        break
      case 'job':
        model.lists['jobs']?.push(n)
        hub.publish('jobs', 'job', { n })
        break
      case 'chat':
        if (each.mine) model.lists['chat']?.push(n)
        hub.publish('chat', 'message', { n }, { to: ({ name }) => (name === 'anna') === each.mine })
        break
      case 'progress':
        model.progress.set(each.key, n)
        hub.publish('progress', 'progress', { key: each.key, n }, { key: each.key })
        break
      case 'read':
        await new Promise(setImmediate)
        reader.read(each.most, model)
        break
      case 'settle':
        if (connected) await reader.settle()
        break
      case 'cut':
        reader.read(each.most, model)
        reader.cut()
        connected = false
        break
      case 'gate':
        if (waiting === undefined) waiting = []
        else open()
        break
      case 'open':
        await reconnect()
    }
    rig.clock.advance(50)
  }
  await reconnect()
  open()
  // The first answer may come before the snapshot, which is made meanwhile.
  await reader.settle()
  await new Promise(setImmediate)
  await reader.settle()
  reader.read(Number.POSITIVE_INFINITY, model)
  return { reader, model }
}

for (const { name, limits, numRuns } of [
  { name: 'with room for all', limits: {}, numRuns: 120 },
  { name: 'with a small ring', limits: { ringMessages: 6 }, numRuns: 60 },
]) {
  t.test(`whatever is cut, in the end a client has what was told: ${name}`, async t => {
    let gaps = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async steps => {
        const rig = await liveRig(t, { limits: { ...limits, incomingPerSecond: 1000 } })
        const { reader, model } = await play(rig, steps)
        gaps += reader.gaps
        for (const topic of ['jobs', 'chat']) {
          const told = [...(model.lists[topic] ?? [])]
          const had = reader.lists[topic] ?? []
          if (JSON.stringify(had) !== JSON.stringify(told))
            throw new Error(`${topic}: ${JSON.stringify(had)} instead of ${JSON.stringify(told)}`)
        }
        for (const what of ['boards', 'progress'] as const) {
          for (const [key, n] of model[what])
            if (reader[what].get(key) !== n)
              throw new Error(`${what} ${key}: ${reader[what].get(key)}, not ${n}`)
        }
        reader.cut()
        void rig.hub.stop()
      }),
      { numRuns },
    )
    if ('ringMessages' in limits) t.ok(gaps > 0, `${gaps} gaps`)
    else t.pass(`${gaps} gaps`)
  })
}

t.test('the ring keeps the newest messages within both caps and says how far back it reaches', async t => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ skip: fc.nat(3), size: fc.nat(300) }), { maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(300),
      (pushes, most, since) => {
        const ring = new MessageRing({ messages: most, sizeBytes: 3000 })
        const all = []
        let seq = 1
        for (const { skip, size } of pushes) {
          seq += 1 + skip
          const made = message(seq, 'jobs', 'x'.repeat(size))
          all.push(made)
          ring.push(made)
        }
        const kept = []
        for (let next = ring.after(since); next !== undefined; next = ring.after(next.seq)) kept.push(next)
        const due = all.filter(each => each.seq > since)
        if (ring.size > most || ring.sizeBytes > 3000) return false
        if (!ring.reaches('jobs', since)) return kept.length < due.length
        return kept.length === due.length && kept.every((each, i) => each === due[i])
      },
    ),
  )
  const ring = new MessageRing({ messages: 5000, sizeBytes: 1e9 })
  for (let seq = 1; seq <= 12_000; seq++) ring.push(message(seq, 'jobs', ''))
  t.equal(ring.size, 5000)
  t.equal(ring.after(0)?.seq, 7001)
  t.notOk(ring.reaches('jobs', 6999))
  t.ok(ring.reaches('jobs', 7000))
  ring.leaveOut('boards', 12_001)
  t.notOk(ring.reaches('boards', 12_000))
  t.ok(ring.reaches('boards', 12_001))
})

t.test('newest values and unfinished snapshots are remembered up to their caps', async t => {
  const latest = new LatestValues(2)
  const values = ['a', 'b', 'a', 'c'].map((key, n) => message(n + 1, 'progress', n, key))
  for (const value of values) latest.keep(value)
  const after = (since: number, ...topics: string[]) =>
    latest.after(since, new Set(topics)).map(({ value: { key }, seq }) => [key, seq])
  const [, , a, c] = values
  if (a === undefined || c === undefined) throw new Error('there are four')
  t.same(after(0, 'progress', 'metrics'), [
    ['a', 3],
    ['c', 4],
  ])
  t.same(after(3, 'progress'), [['c', 4]])
  t.same(after(0, 'metrics'), [])
  latest.renumber(a, 9)
  for (const value of values.slice(0, 2)) latest.renumber(value, 10)
  t.same(after(3, 'progress'), [
    ['c', 4],
    ['a', 9],
  ])
  const unfinished = new UnfinishedSnapshots(2)
  const note = (from: number, to: number, topic = 'boards') =>
    unfinished.note({ principalId: 'anna', topic, from, to })
  note(5, 5)
  note(10, 20)
  t.same(
    [9, 10, 19, 20].map(since => unfinished.has('anna', 'boards', since)),
    [false, true, true, false],
  )
  t.notOk(unfinished.has('ben', 'boards', 15))
  t.notOk(unfinished.has('anna', 'gpio', 15))
  note(30, 40)
  note(50, 60)
  t.ok(unfinished.has('ben', 'gpio', 19), 'of what was forgotten nothing is certain')
  t.notOk(unfinished.has('ben', 'gpio', 20))
})

t.test('each run has an epoch of its own', async t => {
  const epochs = new Set<string>()
  for (let run = 0; run < 3; run++) {
    const hub = new LiveHub({
      clock: new VirtualClock(),
      log: silentLog,
      version: '1',
      authenticate: async () => undefined,
    })
    epochs.add(hub.epoch)
    await hub.stop()
  }
  t.equal(epochs.size, 3)
})
