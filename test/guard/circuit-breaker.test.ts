import fc from 'fast-check'
import t from 'tap'
import { Breakers } from '../../src/guard/breakers.ts'
import { type Admission, CircuitBreaker } from '../../src/guard/circuit-breaker.ts'
import { isTransient, retry } from '../../src/guard/retry.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'

/** What a breaker must do, said as plainly as possible: the whole history of what counts, read again at each question. */
class Model {
  state: 'CLOSED' | 'OPEN' | 'HALF_OPEN' = 'CLOSED'
  nowMs = 0
  era = 0
  sinceMs = 0
  row: boolean[] = []
  trialMs: number | null = null
  calls = 0
  failures = 0
  rejections = 0
  opened = 0

  enter(state: Model['state']): void {
    this.state = state
    this.era++
    this.sinceMs = this.nowMs
    this.row = []
    this.trialMs = null
    if (state === 'OPEN') this.opened++
  }

  look(): void {
    if (this.state === 'OPEN' && this.nowMs - this.sinceMs >= 60_000) this.enter('HALF_OPEN')
    if (this.state === 'HALF_OPEN' && this.trialMs !== null && this.nowMs - this.trialMs >= 60_000) {
      this.failures++
      this.enter('OPEN')
    }
  }

  admit(): boolean {
    this.look()
    const goes = this.state === 'CLOSED' || (this.state === 'HALF_OPEN' && this.trialMs === null)
    if (!goes) this.rejections++
    else {
      this.calls++
      if (this.state === 'HALF_OPEN') this.trialMs = this.nowMs
    }
    return goes
  }

  settle(era: number, well: boolean): void {
    if (!well) this.failures++
    if (era !== this.era) return
    this.row.push(well)
    this.trialMs = null
    if (this.state === 'HALF_OPEN') {
      if (!well) this.enter('OPEN')
      else if (this.row.length === 2) this.enter('CLOSED')
    } else if (this.row.slice(-5).length === 5 && this.row.slice(-5).every(each => !each)) this.enter('OPEN')
  }
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('begin' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(), well: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.constant({ do: 'fail' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.constantFrom(59_999, 60_000, 1)),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'reset' as const }) },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

t.test('in every history of calls, waits and resets it does what five, sixty and two say', async t => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const clock = new VirtualClock()
      const breaker = new CircuitBreaker({ name: 'b' }, clock)
      const model = new Model()
      const underWay: { admission: Admission; era: number }[] = []
      const begin = (): boolean => {
        const admission = breaker.admit()
        if ((admission !== undefined) !== model.admit()) return false
        if (admission !== undefined) underWay.push({ admission, era: model.era })
        return true
      }
      const end = (at: number, well: boolean): void => {
        const [call] = underWay.splice(at, 1)
        if (call === undefined) return
        if (well) call.admission.succeeded()
        else call.admission.failed(new Error('no'))
        model.settle(call.era, well)
        // A second word about the same call is not heard.
        call.admission.failed(new Error('again'))
        call.admission.succeeded()
      }
      for (const each of steps) {
        if (each.do === 'begin' && !begin()) return false
        if (each.do === 'end' && underWay.length > 0) end(each.which % underWay.length, each.well)
        if (each.do === 'fail') {
          const before = underWay.length
          if (!begin()) return false
          if (underWay.length > before) end(underWay.length - 1, false)
        }
        if (each.do === 'wait') {
          clock.advance(each.ms)
          model.nowMs += each.ms
        }
        if (each.do === 'reset') {
          breaker.reset()
          model.enter('CLOSED')
        }
        const stats = breaker.stats()
        model.look()
        seen.add(stats.state)
        const { state, calls, failures, rejections, opened } = model
        const same =
          stats.state === state &&
          stats.calls === calls &&
          stats.failures === failures &&
          stats.rejections === rejections &&
          stats.opened === opened &&
          stats.retryAfterMs === (state === 'OPEN' ? model.sinceMs + 60_000 - model.nowMs : 0)
        if (!same) return false
      }
      return true
    }),
    // The example opens it and waits it half open, which chance alone does not always do.
    { numRuns: 2000, examples: [[[...Array<Step>(5).fill({ do: 'fail' }), { do: 'wait', ms: 60_000 }]]] },
  )
  t.same([...seen].sort(), ['CLOSED', 'HALF_OPEN', 'OPEN'], 'all states were reached')
})

t.test('a call that is refused does not reach what has failed, and says when to come again', async t => {
  const clock = new VirtualClock()
  const breakers = new Breakers(clock)
  const changes: string[] = []
  breakers.onChange((name, state) => changes.push(`${name} ${state}`))
  const isFailure = (error: unknown): boolean => !(error instanceof AppError)
  const breaker = breakers.for({ name: 'printer', isFailure })
  t.equal(breakers.for({ name: 'printer' }), breaker, 'one a name')
  let calls = 0
  const broken = async (): Promise<never> => {
    calls++
    throw new Error('on fire')
  }
  for (let n = 0; n < 20; n++)
    await t.rejects(
      breaker.run(async () => {
        throw new AppError('not_found', 'no paper')
      }),
      { code: 'not_found' },
    )
  t.equal(breaker.state, 'CLOSED', 'what answers, even with a refusal, works')
  for (let n = 0; n < 5; n++) await t.rejects(breaker.run(broken), { message: 'on fire' })
  await t.rejects(breaker.run(broken), { code: 'dependency_unavailable', message: /printer .*in 60 s/ })
  t.equal(calls, 5)
  t.match(breakers.list(), [
    { name: 'printer', state: 'OPEN', failures: 5, rejections: 1, opened: 1, lastFailure: 'on fire' },
  ])
  t.equal(breakers.list()[0]?.lastFailureMs, Date.UTC(2026, 0, 1))
  clock.advance(60_000)
  t.equal(await breaker.run(async () => 7), 7)
  t.equal(breaker.state, 'HALF_OPEN')
  await breaker.run(async () => 8)
  t.equal(breaker.state, 'CLOSED')
  for (let n = 0; n < 5; n++) await t.rejects(breaker.run(broken))
  breakers.get('printer')?.reset()
  t.equal(await breaker.run(async () => 9), 9, 'an admin closes it by hand')
  t.same(
    changes,
    ['OPEN', 'HALF_OPEN', 'CLOSED', 'OPEN', 'CLOSED'].map(state => `printer ${state}`),
  )
  breakers.drop('printer')
  t.same(breakers.list(), [])
})

t.test('a try that may help is made again after 0.1, 0.2 and 0.4 s; one that cannot is not', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('ECONNRESET', 'overloaded', 'stays'), { maxLength: 6 }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 6, maxLength: 6 }),
      async (faults, lots) => {
        const clock = new VirtualClock()
        const times: number[] = []
        const lot = lots[Symbol.iterator]()
        const outcome = retry(
          async attempt => {
            times.push(clock.now())
            const fault = faults[attempt]
            if (fault === 'ECONNRESET') throw Object.assign(new Error('reset'), { code: fault })
            if (fault === 'overloaded') throw new AppError(fault, 'full')
            if (fault === 'stays') throw new Error('stays')
            return 'done'
          },
          { clock, random: () => lot.next().value ?? 0 },
        ).catch((error: Error) => error.message)
        for (let n = 0; n < 30; n++) {
          await new Promise(resolve => setImmediate(resolve))
          clock.step()
        }
        await outcome
        const first = faults.indexOf('stays')
        const tries = Math.min(4, faults.length + 1, first < 0 ? 7 : first + 1)
        const gaps = times.slice(1).map((at, n) => (at - (times[n] ?? 0)) / (100 * 2 ** n))
        return times.length === tries && gaps.every(gap => gap >= 0.7499 && gap <= 1.2501)
      },
    ),
    {
      numRuns: 60,
      // Differences of sums: 149.99999999999997 ms.
      examples: [
        [
          ['ECONNRESET', 'ECONNRESET', 'ECONNRESET'],
          [0.00021999999999999797, 0, 0, 0, 0, 0],
        ],
      ],
    },
  )
  t.notOk(isTransient('text'))
  t.notOk(isTransient(new AppError('not_found', '')))
  t.ok(
    isTransient(new Error('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })),
  )
  const clock = new VirtualClock()
  const stop = new AbortController()
  const busy = () => Promise.reject(new AppError('overloaded', 'full'))
  const outcome = t.rejects(retry(busy, { clock, signal: stop.signal }), { code: 'overloaded' })
  await new Promise(resolve => setImmediate(resolve))
  stop.abort()
  await outcome
  t.notOk(clock.step(), 'no timer is left behind')
})
