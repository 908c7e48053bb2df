import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Bus } from '../../src/kernel/bus.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { CpuProfiles } from '../../src/ops/cpu-profile.ts'
import type { MeteredEvents } from '../../src/ops/gateway-meter.ts'
import { LatencyHistogram } from '../../src/ops/latency-histogram.ts'
import { MetricsHistory } from '../../src/ops/metrics-history.ts'
import type { MetricsSample } from '../../src/ops/metrics-sampler.ts'
import { Profiler } from '../../src/ops/profiler.ts'
import { SlowStatements } from '../../src/ops/slow-statements.ts'
import { watchUploadPhases } from '../../src/ops/upload-phases.ts'
import { openStore } from '../../src/store/store.ts'

t.test('percentiles are those of the sorted durations, within 3 %', async t => {
  const ms = fc.double({ min: 0.001, max: 3_600_000, noNaN: true })
  fc.assert(
    fc.property(
      fc.array(fc.oneof(ms, fc.double({ min: 0.01, max: 50, noNaN: true })), {
        minLength: 1,
        maxLength: 300,
      }),
      all => {
        const histogram = new LatencyHistogram()
        for (const each of all) histogram.record(each)
        const sorted = [...all].sort((a, b) => a - b)
        const near = (share: number): boolean => {
          const exact = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
          return Math.abs(histogram.percentile(share) - exact) <= exact * 0.032 + 0.0006
        }
        const { count, minMs, maxMs, avgMs } = histogram.summary() ?? {
          count: 0,
          minMs: 0,
          maxMs: 0,
          avgMs: 0,
        }
        const mean = all.reduce((sum, each) => sum + each, 0) / all.length
        const close = (a: number, b: number): boolean => Math.abs(a - b) <= 0.001 + Math.abs(b) * 1e-9
        return (
          [0.01, 0.5, 0.95, 0.99, 1].every(near) &&
          count === all.length &&
          close(minMs, sorted[0] ?? 0) &&
          close(maxMs, sorted.at(-1) ?? 0) &&
          close(avgMs, mean)
        )
      },
    ),
  )
  const odd = new LatencyHistogram()
  t.equal(odd.summary(), undefined, 'nothing ran, so nothing is told')
  t.equal(odd.percentile(0.5), 0)
  for (const each of [-5, 0, 1e12, Number.NaN]) odd.record(each)
  t.equal(odd.count, 4)
})

t.test('only what ran is in the report, and stopped it records nothing', async t => {
  const clock = new VirtualClock()
  const profiler = new Profiler(clock)
  profiler.record('http', 'early', 5)
  t.same(profiler.report().operations, [])
  t.match(profiler.report(), { running: false, seconds: 0, cpu: { cores: 0 }, eventLoop: null })
  t.equal(profiler.start(), true)
  t.equal(profiler.start(), false)
  for (let n = 1; n <= 100; n++) profiler.record('http', 'listBoards', n, n > 98)
  profiler.record('storage', 'jobs.list', 2)
  profiler.record('storage', 'jobs.get', 7)
  clock.advance(10_000)
  const { operations, seconds, memory } = profiler.report()
  t.equal(seconds, 10)
  t.ok(memory.rssBytes > 1e6)
  t.match(operations, [
    { kind: 'http', name: 'listBoards', count: 100, errors: 2, minMs: 1, maxMs: 100, avgMs: 50.5 },
    { kind: 'storage', name: 'jobs.get', count: 1, errors: 0 },
    { kind: 'storage', name: 'jobs.list' },
  ])
  const [first] = operations
  t.ok(Math.abs((first?.p95Ms ?? 0) - 95) < 4 && Math.abs((first?.p50Ms ?? 0) - 50) < 2)
  t.equal(profiler.stop(), true)
  t.equal(profiler.stop(), false)
  profiler.record('http', 'late', 1)
  clock.advance(5_000)
  t.equal(profiler.report().seconds, 10, 'its time stands still')
  t.equal(profiler.report().operations.length, 3)
  profiler.start()
  clock.advance(1_000)
  t.equal(profiler.report().seconds, 11)
  profiler.reset()
  t.same(profiler.report().operations, [])
  t.equal(profiler.report().sinceMs, clock.wallTime())
  for (let n = 0; n < 2000; n++) profiler.record('http', `made up ${n}`, 1)
  t.ok(profiler.report().operations.length <= 601)
  t.ok(profiler.report().operations.some(({ name }) => name === 'others'))
  profiler.stop()
})

t.test('the phases of an upload are timed when they are left', async t => {
  const clock = new VirtualClock()
  const bus = new Bus<MeteredEvents>()
  const told: unknown[] = []
  const end = watchUploadPhases(bus, clock, (...each) => told.push(each))
  const say = (id: string, state: string) =>
    bus.emit('job.changed', { id, boardId: 'b', state, statsJson: null })
  say('old', 'done')
  for (const state of ['queued', 'queued', 'transferring', 'verifying', 'done']) {
    say('a', state)
    clock.advance(100)
  }
  say('b', 'transferring')
  clock.advance(50)
  say('b', 'failed')
  t.same(told, [
    ['queued', 200, false],
    ['transferring', 100, false],
    ['verifying', 100, false],
    ['whole', 400, false],
    ['transferring', 50, true],
  ])
  end()
  say('c', 'queued')
  say('c', 'done')
  t.equal(told.length, 5)
})

t.test('a slow statement is logged once a minute and operation, and the last fifty are kept', async t => {
  const clock = new VirtualClock()
  const lines: object[] = []
  const slow = new SlowStatements(clock, { ...silentLog, warn: fields => void lines.push(fields) })
  const statement = { sql: 'SELECT 1', ms: 120.4, plan: ['SCAN jobs'], hint: 'add an index' }
  for (let n = 0; n < 60; n++) slow.note('jobs.list', statement)
  slow.note('jobs.other', statement)
  t.match(lines, [
    { operation: 'jobs.list', durationMs: 120, moreSinceTheLast: 0 },
    { operation: 'jobs.other' },
  ])
  clock.advance(60_000)
  slow.note('jobs.list', statement)
  t.match(lines[2], { operation: 'jobs.list', sql: 'SELECT 1', hint: 'add an index', moreSinceTheLast: 59 })
  t.equal(slow.list().length, 50)
  t.match(slow.list()[0], { operation: 'jobs.list', atMs: clock.wallTime() })
  slow.clear()
  t.same(slow.list(), [])
})

t.test('one CPU profile at a time, which ends early when nobody waits for it', async t => {
  const profiles = new CpuProfiles(systemClock)
  const gone = new AbortController()
  const began = performance.now()
  const made = profiles.make(30, gone.signal)
  await t.rejects(profiles.make(1), { code: 'conflict' })
  setTimeout(() => gone.abort(), 100)
  const profile = JSON.parse(await made)
  t.ok(performance.now() - began < 10_000)
  t.ok(Array.isArray(profile.nodes) && profile.endTime > profile.startTime)
  t.ok(JSON.parse(await profiles.make(0.1)).samples.length > 0, 'and the next one may begin')
})

t.test('minutes are kept for a week, written ten at a time, and come back as steps', async t => {
  const store = await openStore(join(t.testdir(), 'gateway.db'))
  t.teardown(() => store.close())
  const clock = new VirtualClock()
  let listener: ((sample: MetricsSample) => void) | undefined
  const recent: MetricsSample[] = []
  let writes = 0
  const counted = {
    add: (rows: Parameters<typeof store.metricsMinutes.add>[0]) => {
      writes++
      return store.metricsMinutes.add(rows)
    },
    between: store.metricsMinutes.between,
  }
  const sampler = {
    series: () => ({ everyMs: 1000, samples: recent }),
    onSample: (each: (sample: MetricsSample) => void) => {
      listener = each
      return () => {
        listener = undefined
      }
    },
  }
  const make = () => new MetricsHistory({ clock, log: silentLog, sampler, store: counted })
  const history = make()
  history.start()
  const epoch = clock.wallTime()
  const tick = (n: number): void => {
    const sample = { ts: clock.wallTime(), rssBytes: n, eventLoopP99Ms: n % 60 } as MetricsSample
    recent.push(sample)
    if (recent.length > 900) recent.shift()
    listener?.(sample)
    clock.advance(1000)
  }
  for (let n = 0; n < 25 * 60; n++) tick(n)
  t.equal(writes, 2, '25 minutes are two writes')
  const all = await history.series({ fromMs: epoch, toMs: clock.wallTime() })
  t.equal(all.everyMs, 60_000)
  t.equal(all.samples.length, 25, 'also those that are not written yet')
  t.match(all.samples[3], { ts: epoch + 180_000, rssBytes: 180 + 29.5, eventLoopP99Ms: 59 })
  const steps = await history.series({ fromMs: epoch, toMs: clock.wallTime(), stepMs: 600_000 })
  t.same(
    steps.samples.map(({ ts, rssBytes }) => [ts - epoch, rssBytes]),
    [
      [0, 299.5],
      [600_000, 899.5],
      [1_200_000, 1349.5],
    ],
  )
  const fine = await history.series({
    fromMs: clock.wallTime() - 10_000,
    toMs: clock.wallTime(),
    stepMs: 2000,
  })
  t.same(
    fine.samples.map(({ rssBytes }) => rssBytes),
    [1490.5, 1492.5, 1494.5, 1496.5, 1498.5],
  )
  await history.stop()
  const again = make()
  const later = await again.series({ fromMs: epoch, toMs: clock.wallTime() })
  t.equal(later.samples.length, 25, 'they outlive a restart')
  const wide = await again.series({ fromMs: epoch - 7 * 86_400_000, toMs: clock.wallTime() })
  t.ok(wide.everyMs >= 7 * 86_400 && wide.samples.length <= 1000, 'a week comes in a thousand points at most')
  again.start()
  recent.length = 0
  clock.advance(8 * 86_400_000)
  for (let n = 0; n < 61; n++) tick(n)
  await again.stop()
  t.equal(
    (await store.metricsMinutes.between({ fromMs: 0, toMs: clock.wallTime() })).length,
    2,
    'a week later they are gone',
  )
})
