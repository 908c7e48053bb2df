import fc from 'fast-check'
import t from 'tap'
import { systemClock } from '../../src/kernel/clock.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { LiveMessage } from '../../src/wire/live.ts'
import { liveLimits } from '../../src/ws/live-limits.ts'
import { encode, type Published } from '../../src/ws/live-message.ts'
import { noTraffic, Outbox, type Traffic } from '../../src/ws/outbox.ts'
import { Throttle } from '../../src/ws/throttle.ts'
import { eventually, isRising, liveRig, person } from './live-rig.ts'

const filler = 'x'.repeat(8 * 1024)
const turn = () => new Promise(setImmediate)

t.test(
  'a client that does not read lossless topics holds a mebibyte at most and is closed; others get all',
  async t => {
    const { hub, clock, join } = await liveRig(t)
    const healthy = await join(person('anna'))
    const frozen = await join(person('ben'))
    await healthy.subscribe('jobs')
    await frozen.subscribe('jobs')
    frozen.socket.pause()
    let most = 0
    let published = 0
    while (hub.stats().tooSlow === 0) {
      hub.publish('jobs', 'job', { n: published++, filler })
      most = Math.max(most, hub.stats().bufferedBytes)
      await turn()
      if (published > 20_000) throw new Error('the frozen client was never closed')
    }
    t.ok(most <= liveLimits.bufferedBytes + liveLimits.coalesceBytes, `${most} bytes at most`)
    for (let n = 0; n < 10; n++) hub.publish('jobs', 'job', { n: published++, filler })
    await eventually(() => healthy.of('jobs').length === published, 'all messages at the healthy client')
    t.same(
      healthy.data('jobs').map(data => (data as { n: number }).n),
      Array.from({ length: published }, (_, n) => n),
    )
    frozen.socket.resume()
    t.same(await frozen.end(), { code: 4408, reason: 'too slow' }, 'once it reads again, it learns why')
    const read = frozen.data('jobs').map(data => (data as { n: number }).n)
    t.same(
      read,
      Array.from({ length: read.length }, (_, n) => n),
      'and what it got has no gap',
    )
    clock.advance(liveLimits.closeMs)
    await eventually(() => hub.stats().bufferedBytes === 0 && hub.stats().clients === 1, 'nothing is held')
  },
)

t.test('one that never reads again is destroyed with what it held', async t => {
  const { hub, clock, join } = await liveRig(t)
  const frozen = await join(person('ben'))
  await frozen.subscribe('jobs')
  frozen.socket.pause()
  while (hub.stats().tooSlow === 0) {
    hub.publish('jobs', 'job', filler)
    await turn()
  }
  clock.advance(liveLimits.closeMs)
  await eventually(() => hub.stats().clients === 0 && hub.stats().bufferedBytes === 0, 'the socket is gone')
})

t.test('of progress and metrics a slow client gets only the newest, once it reads', async t => {
  const { hub, join } = await liveRig(t)
  const healthy = await join(person('anna'))
  const frozen = await join(person('ben'))
  for (const caller of [healthy, frozen]) await caller.subscribe('progress', 'metrics')
  frozen.socket.pause()
  const total = 3000
  let most = 0
  for (let n = 1; n <= total; n++) {
    hub.publish('metrics', 'sample', { n, filler })
    hub.publish('progress', 'progress', { job: n % 3, n }, { key: `${n % 3}` })
    most = Math.max(most, hub.stats().bufferedBytes)
    if (n % 4 === 0) await turn()
  }
  t.ok(most < 2 * liveLimits.coalesceBytes + 64 * 1024, `${most} bytes at most`)
  t.ok(hub.stats().dropped > total / 2, `${hub.stats().dropped} values were replaced`)
  t.equal(hub.stats().clients, 2, 'it is not closed for that')
  const newestSample = ({ topic, data }: LiveMessage) =>
    topic === 'metrics' && (data as { n: number }).n === total
  await healthy.until(newestSample, 'the newest sample')
  frozen.socket.resume()
  await frozen.until(newestSample, 'the newest sample')
  await frozen.settle()
  t.ok(frozen.of('metrics').length < total)
  for (const job of [0, 1, 2]) {
    const newest = (frozen.data('progress') as { job: number; n: number }[])
      .filter(each => each.job === job)
      .at(-1)
    t.ok((newest?.n ?? 0) > total - 3, `the newest of job ${job}`)
  }
  t.ok(isRising(frozen), 'the numbers rise')
})

t.test('when many slow clients together hold too much, the slowest goes', async t => {
  const { hub, join } = await liveRig(t, {
    limits: { totalBufferedBytes: 512 * 1024, connectionsOfOne: 100 },
  })
  const frozen = []
  for (let n = 0; n < 4; n++) {
    const caller = await join(person('anna'))
    await caller.subscribe('jobs')
    caller.socket.pause()
    frozen.push(caller)
  }
  let most = 0
  for (let n = 0; n < 4000 && hub.stats().tooSlow < 3; n++) {
    hub.publish('jobs', 'job', filler)
    most = Math.max(most, hub.stats().bufferedBytes)
    await turn()
  }
  t.equal(hub.stats().tooSlow, 3)
  t.ok(most < 3 * 512 * 1024)
})

t.test('fifty frozen clients do not delay a healthy one', async t => {
  const { hub, join } = await liveRig(t, { clock: systemClock, limits: { connectionsOfOne: 100 } })
  const healthy = await join(person('anna'))
  await healthy.subscribe('jobs')
  for (let n = 0; n < 50; n++) {
    const caller = await join(person('ben'))
    await caller.subscribe('jobs')
    caller.socket.pause()
  }
  const delays: number[] = []
  for (let n = 0; n < 200; n++) {
    const sent = performance.now()
    const arrived = healthy.until(
      ({ topic, data }) => topic === 'jobs' && (data as { n: number }).n === n,
      `message ${n}`,
    )
    hub.publish('jobs', 'job', { n, filler })
    await arrived
    delays.push(performance.now() - sent)
  }
  delays.sort((a, b) => a - b)
  const p99 = delays[Math.floor(delays.length * 0.99)] ?? Infinity
  t.ok(p99 < 100, `p99 ${p99.toFixed(1)} ms`)
  t.equal(hub.stats().clients, 51)
})

/** A socket that takes what it is told to take. */
class Pipe {
  readonly written: string[] = []
  readonly #queue: { sizeBytes: number; written: () => void }[] = []
  bufferedBytes = 0

  write(frame: Buffer, written: () => void): void {
    this.written.push(frame.toString())
    this.bufferedBytes += frame.byteLength
    this.#queue.push({ sizeBytes: frame.byteLength, written })
  }

  drain(frames: number): void {
    for (const { sizeBytes, written } of this.#queue.splice(0, frames)) {
      this.bufferedBytes -= sizeBytes
      written()
    }
  }
}

const outboxOf = (pipe: Pipe, traffic: Traffic): Outbox =>
  new Outbox({ sink: pipe, limits, traffic, frameOf: ({ frame }) => frame, onWritten: () => undefined })
let seq = 0
const message = (topic: string, key: string, data: unknown): Published =>
  encode(++seq, { topic, type: key, data, wallTimeMs: 0 }, { key })
const limits = { ...liveLimits, coalesceBytes: 1000, bufferedBytes: 4000, heldValues: 3 }

t.test(
  'whatever a client reads, lossless messages keep their order and the newest values arrive',
  async t => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('lossless' as const), size: fc.integer({ min: 1, max: 600 }) }),
      fc.record({ kind: fc.constant('latest' as const), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ kind: fc.constant('drain' as const), frames: fc.integer({ min: 1, max: 5 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 50, maxLength: 300 }), steps => {
        const pipe = new Pipe()
        const traffic = noTraffic()
        const outbox = new Outbox({
          sink: pipe,
          limits,
          traffic,
          frameOf: ({ frame }) => frame,
          onWritten: () => outbox.flush(),
        })
        const accepted: number[] = []
        const newest = new Map<string, number>()
        for (const [n, each] of steps.entries()) {
          if (each.kind === 'drain') pipe.drain(each.frames)
          else if (each.kind === 'latest') {
            outbox.sendLatest(message('progress', each.key, n))
            newest.set(each.key, n)
          } else if (outbox.send(message('jobs', 'x'.repeat(each.size), n).frame)) accepted.push(n)
          if (pipe.bufferedBytes > limits.bufferedBytes + 200) return false
        }
        while (pipe.bufferedBytes > 0) pipe.drain(1)
        const messages = pipe.written.map(
          text => JSON.parse(text) as { topic: string; type: string; data: number },
        )
        const of = (topic: string) => messages.filter(message => message.topic === topic)
        const last = new Map(of('progress').map(({ type, data }) => [type, data]))
        const sizes = pipe.written.reduce((sum, text) => sum + text.length, 0)
        return (
          of('jobs').every(({ data }, i) => data === accepted[i]) &&
          of('jobs').length === accepted.length &&
          [...newest].every(([key, n]) => last.get(key) === n) &&
          traffic.messagesOut === messages.length &&
          outbox.sent === messages.length &&
          traffic.bytesOut === sizes
        )
      }),
    )
    t.pass()
  },
)

t.test('values that wait have a cap, and a topic that is not wanted any more is let go', async t => {
  const pipe = new Pipe()
  const traffic = noTraffic()
  const outbox = outboxOf(pipe, traffic)
  const fill = () => outbox.send(message('jobs', 'x'.repeat(1500), 0).frame)
  fill()
  for (const [n, topic] of ['progress/1', 'progress', 'metrics', 'progress'].entries())
    outbox.sendLatest(message(topic, String(n), n))
  t.equal(traffic.dropped, 1)
  t.equal(outbox.dropped, 1)
  outbox.forget('progress')
  pipe.drain(1)
  outbox.flush()
  t.match(pipe.written.slice(1), [/"topic":"metrics"/])
  t.equal(pipe.written.length, 2)
  fill()
  outbox.sendLatest(message('metrics', '', 0))
  outbox.clear()
  pipe.drain(2)
  outbox.flush()
  t.equal(pipe.written.length, 3)
})

t.test('a throttle passes the first value at once and the newest when its time has come', async t => {
  const clock = new VirtualClock()
  const passed: [number, string][] = []
  const throttle = new Throttle<string>(clock, 100, value => passed.push([clock.now(), value]))
  for (let n = 0; n < 25; n++) {
    throttle.put('a', `a${n}`)
    if (n === 3) throttle.put('b', 'b')
    clock.advance(10)
  }
  clock.advance(1000)
  t.same(passed, [
    [0, 'a0'],
    [30, 'b'],
    [100, 'a9'],
    [200, 'a19'],
    [300, 'a24'],
  ])
  throttle.put('a', 'again')
  throttle.put('a', 'never')
  throttle.stop()
  clock.advance(1000)
  t.same(passed.slice(5), [[1250, 'again']])
  t.notOk(clock.step(), 'no timer is left')
})
