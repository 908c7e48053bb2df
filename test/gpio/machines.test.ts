import fc from 'fast-check'
import t from 'tap'
import { Debounce } from '../../src/gpio/debounce.ts'
import { LedBlinker } from '../../src/gpio/led-blinker.ts'
import { type LedStatus, ledPatterns, ledStatus } from '../../src/gpio/led-pattern.ts'
import { StatusFeed } from '../../src/gpio/status-feed.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'

interface Change {
  readonly atMs: number
  readonly active: boolean
}

/** Plays levels of so many ms each, alternating from closed, and returns what the debouncer told. */
function play(debounceMs: number, lengths: readonly number[], initial = false): Change[] {
  const clock = new VirtualClock()
  const told: Change[] = []
  const debounce = new Debounce(clock, debounceMs, initial, active =>
    told.push({ atMs: clock.now(), active }),
  )
  lengths.forEach((ms, index) => {
    debounce.edge(index % 2 === 0 ? !initial : initial)
    clock.advance(ms)
  })
  return told
}

t.test('a press fires once, the debounce time after it has begun, and its release once', async t => {
  t.same(play(20, [100, 100]), [
    { atMs: 20, active: true },
    { atMs: 120, active: false },
  ])
  t.same(play(20, [19, 100]), [], 'a bounce that is shorter never fires')
  t.same(play(0, [5, 5]).length, 2, 'without a debounce time every edge counts')
  t.same(play(20, [100, 100], true), [
    { atMs: 20, active: false },
    { atMs: 120, active: true },
  ])
})

t.test('bounces at either end of a press change nothing but its moment', async t => {
  const told = play(20, [2, 1, 3, 2, 1, 1, 200, 1, 2, 1, 3, 100])
  t.same(
    told.map(({ active }) => active),
    [true, false],
  )
  t.same(
    play(20, [100, 5, 100, 100]).map(({ active }) => active),
    [true, false],
    'a gap that is shorter than the debounce time does not end a press',
  )
})

t.test('a level that is told twice is one level, and nothing is told after the end', async t => {
  const clock = new VirtualClock()
  const told: boolean[] = []
  const debounce = new Debounce(clock, 20, false, active => told.push(active))
  debounce.edge(true)
  clock.advance(15)
  debounce.edge(true)
  clock.advance(5)
  t.same(told, [true])
  t.equal(debounce.active, true)
  debounce.edge(false)
  debounce.stop()
  clock.advance(100)
  t.same(told, [true])
})

t.test(
  'whatever bounces: short ones never fire, changes keep their distance, rest is always shown',
  async () => {
    const debounceMs = 20
    const train = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 60 })
    fc.assert(
      fc.property(train, lengths => {
        const told = play(debounceMs, [...lengths, 0])
        // The reference: an integrator in steps of a millisecond.
        let charge = 0
        let active = false
        const expected: boolean[] = []
        lengths.forEach((ms, index) => {
          for (let step = 0; step < ms; step++) {
            charge = Math.min(debounceMs, Math.max(0, charge + (index % 2 === 0 ? 1 : -1)))
            if (charge !== (active ? 0 : debounceMs)) continue
            active = !active
            expected.push(active)
          }
        })
        const alternate = told.every((change, index) => change.active === (index % 2 === 0))
        const apart = told.every(
          ({ atMs }, index) => index === 0 || atMs - (told[index - 1]?.atMs ?? 0) >= debounceMs,
        )
        const same = JSON.stringify(told.map(change => change.active)) === JSON.stringify(expected)
        return alternate && apart && same
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 19 }), fc.integer({ min: 0, max: 40 }))),
        bounces => {
          // Each bounce is shorter than the debounce time, and the rest after it at least as long.
          const lengths = bounces.flatMap(([ms, more]) => [ms, ms + more])
          return play(debounceMs, lengths).length === 0
        },
      ),
      { numRuns: 500 },
    )
  },
)

t.test('each status has its rhythm, and the same status again does not disturb it', async t => {
  const rhythm = (status: LedStatus, forMs: number) => {
    const clock = new VirtualClock()
    const shown: string[] = []
    const blinker = new LedBlinker(clock, lit => shown.push(`${clock.now()} ${lit ? 'lit' : 'dark'}`))
    blinker.set(status)
    clock.advance(forMs / 2)
    blinker.set(status)
    clock.advance(forMs / 2)
    blinker.stop()
    clock.advance(10_000)
    return shown
  }
  t.same(rhythm('idle', 10_000), ['0 lit'])
  t.same(rhythm('upload', 1000), ['0 lit', '250 dark', '500 lit', '750 dark', '1000 lit'])
  t.same(rhythm('fault', 1600), ['0 lit', '150 dark', '300 lit', '450 dark', '1500 lit'])
  for (const steps of Object.values(ledPatterns))
    t.ok(
      steps.every(({ ms }) => ms >= 100),
      'no step is too short to be seen, or to be set by a tool',
    )
})

t.test('a change of status takes effect at once and leaves no step of the old one', async t => {
  const clock = new VirtualClock()
  const shown: string[] = []
  const blinker = new LedBlinker(clock, lit => shown.push(`${clock.now()} ${lit}`))
  blinker.set('fault')
  clock.advance(100)
  blinker.set('idle')
  clock.advance(5000)
  t.same(shown, ['0 true', '100 true'])
})

t.test('a fault is shown before an upload, an upload before rest', async t => {
  t.equal(ledStatus({ fault: true, uploading: true }), 'fault')
  t.equal(ledStatus({ fault: false, uploading: true }), 'upload')
  t.equal(ledStatus({ fault: false, uploading: false }), 'idle')
})

t.test('the status follows jobs and boards', async t => {
  const feed = new StatusFeed()
  t.equal(feed.status, 'idle')
  const job = (id: string, boardId: string, state: string) => feed.jobChanged({ id, boardId, state })
  t.equal(job('1', 'a', 'queued'), 'idle')
  t.equal(job('1', 'a', 'transferring'), 'upload')
  t.equal(job('2', 'b', 'trial'), 'upload')
  t.equal(job('1', 'a', 'waiting'), 'upload', 'the other still runs')
  t.equal(job('2', 'b', 'done'), 'idle')
  t.equal(job('1', 'a', 'failed'), 'fault')
  t.equal(job('3', 'a', 'transferring'), 'upload', 'the next job of the board is a new beginning')
  t.equal(job('3', 'a', 'paused'), 'idle')
  t.equal(job('3', 'a', 'failed'), 'fault')
  t.equal(job('3', 'a', 'cancelled'), 'idle')
  t.equal(feed.boardChanged('a', 'quarantined'), 'fault')
  t.equal(feed.boardChanged('a', 'up'), 'idle')
  t.equal(feed.boardChanged('a', 'down'), 'idle')
})
