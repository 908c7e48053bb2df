import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { Breakers } from '../../src/guard/breakers.ts'
import { Bus } from '../../src/kernel/bus.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { AlertRules, type Readings } from '../../src/ops/alert-rules.ts'
import { type AlertEvents, type AlertRecord, Alerts, type Sign } from '../../src/ops/alerts.ts'
import { Health } from '../../src/ops/health.ts'
import { backupCheck, clockCheck, databaseCheck } from '../../src/ops/health-checks.ts'
import { openStore } from '../../src/store/store.ts'

const nothing: Readings = { disk: undefined, memory: undefined, queues: [], checks: [], breakers: [] }

function rig(kept: AlertRecord[] = []) {
  const clock = new VirtualClock()
  const events = new Bus<AlertEvents>()
  const told: string[] = []
  events.on('alert.raised', ({ code, subject, severity }) => told.push(`+ ${code} ${subject} ${severity}`))
  events.on('alert.cleared', ({ code, subject }) => told.push(`- ${code} ${subject}`))
  const rows = new Map<string, AlertRecord>(kept.map(alert => [alert.id, alert]))
  const store = {
    list: async () => [...rows.values()],
    put: async (alert: AlertRecord, forget: readonly string[]) => {
      rows.set(alert.id, alert)
      for (const id of forget) rows.delete(id)
    },
  }
  const alerts = new Alerts({ clock, log: silentLog, events, store: store as never })
  const rules = new AlertRules(alerts, clock)
  const look = (readings: Partial<Readings> = {}) => rules.look({ ...nothing, ...readings })
  const answer = (status: number, durationMs = 5, route = '/api/v1/boards') =>
    rules.request({ method: 'GET', route, status, durationMs })
  /** What was told since the last time. */
  const news = () => told.splice(0)
  return { clock, events, rows, alerts, rules, look, answer, news }
}

t.test('three failed uploads to a board in a row raise an alert; one that is done clears it', async t => {
  const { rules, news, alerts } = rig()
  const job = (boardId: string, ...states: string[]) => {
    for (const state of states) rules.job({ boardId, state })
  }
  job('a', 'transferring', 'failed', 'failed', 'done', 'failed', 'failed', 'cancelled')
  job('b', 'failed')
  t.same(news(), [], 'two are none, nor are those of another board')
  job('a', 'failed')
  t.same(news(), ['+ repeated_failure board a WARNING'])
  job('a', 'failed', 'failed', 'failed', 'failed', 'failed', 'failed')
  t.equal(alerts.counts().WARNING, 1)
  job('a', 'failed')
  t.match(alerts.counts(), { WARNING: 0, CRITICAL: 1 }, 'ten are critical')
  job('a', 'done')
  t.same(news(), ['- repeated_failure board a'])
})

t.test('faults of more than 1 % of the requests raise an alert; no requests are no faults', async t => {
  const { answer, look, news, clock } = rig()
  look()
  t.same(news(), [], 'what never ran has not failed')
  for (let n = 0; n < 198; n++) answer(n % 2 === 0 ? 200 : 404)
  for (let n = 0; n < 20; n++) answer(503, 5, '/api/v1/health')
  answer(500)
  answer(200)
  look()
  t.same(news(), [], 'half a percent')
  answer(503)
  answer(500)
  look()
  t.same(news(), ['+ high_error_rate api WARNING'], '1.5 %')
  for (let n = 0; n < 150; n++) answer(200)
  look()
  t.same(news(), [], '0.86 % are still too near')
  for (let n = 0; n < 500; n++) answer(200)
  look()
  t.same(news(), ['- high_error_rate api'])
  for (let n = 0; n < 200; n++) answer(500)
  look()
  t.same(news(), ['+ high_error_rate api CRITICAL'])
  clock.advance(299_000)
  look()
  t.same(news(), [])
  clock.advance(11_000)
  look()
  t.same(news(), ['- high_error_rate api'], 'five minutes later it is forgotten')
})

t.test('answers whose 95th percentile is above 2.5 s raise an alert', async t => {
  const { answer, look, news } = rig()
  for (let n = 0; n < 95; n++) answer(200, 2400)
  for (let n = 0; n < 5; n++) answer(200, 2600)
  for (let n = 0; n < 50; n++) answer(200, 60_000, '/api/v1/files/:id')
  look()
  t.same(news(), [], '5 %, and uploads take as long as they take')
  answer(200, 2501)
  look()
  t.same(news(), ['+ slow_answers api WARNING'])
  for (let n = 0; n < 100; n++) answer(200, 10)
  look()
  t.same(news(), [])
  for (let n = 0; n < 100; n++) answer(200, 10)
  look()
  t.same(news(), ['- slow_answers api'])
})

t.test('more than five wrong passwords in a minute raise an alert at once', async t => {
  const { answer, look, news, clock, rules } = rig()
  const wrong = (status = 401) => answer(status, 5, '/api/v1/callbacks/:id/call')
  for (let n = 0; n < 50; n++) answer(401)
  for (let n = 0; n < 5; n++) wrong()
  clock.advance(61_000)
  for (let n = 0; n < 5; n++) wrong()
  look()
  t.same(news(), [], 'five a minute, and pages that nobody has signed in for')
  wrong(429)
  t.same(news(), ['+ auth_failures accounts WARNING'])
  clock.advance(59_000)
  look()
  t.same(news(), [])
  clock.advance(2_000)
  look()
  t.same(news(), ['- auth_failures accounts'])
  for (let n = 0; n < 61; n++) rules.authFailed()
  t.match(news(), ['+ auth_failures accounts WARNING'])
})

t.test('what is nine tenths full raises an alert, and is over below 85 %', async t => {
  const { look, news } = rig()
  const at = (share: number) =>
    look({
      disk: { freeBytes: 1e9 * (1 - share), totalBytes: 1e9 },
      memory: { rssBytes: 1e8 * share, limitBytes: 1e8 },
      queues: [{ name: 'storage_calls', size: 1000 * share, limit: 1000 }],
    })
  const all = ['disk', 'memory', 'queue storage_calls'].map(name => `resource_exhausted ${name}`)
  at(0.89)
  t.same(news(), [])
  at(0.901)
  t.same(
    news(),
    all.map(each => `+ ${each} WARNING`),
  )
  at(0.86)
  at(0.95)
  t.same(news(), [], 'told once')
  at(0.84)
  t.same(
    news(),
    all.map(each => `- ${each}`),
  )
  at(0.98)
  t.same(
    news(),
    all.map(each => `+ ${each} CRITICAL`),
  )
  look({ memory: { rssBytes: 5, limitBytes: null }, queues: [{ name: 'x', size: 0, limit: 0 }] })
  t.same(news(), [], 'what is not known is not judged')
})

t.test(
  'a board that is away for a minute, an open breaker, a sick database: dependencies are told of',
  async t => {
    const { rules, look, news, clock } = rig()
    rules.boardDown('a')
    clock.advance(50_000)
    rules.boardUp('a')
    rules.boardDown('a')
    clock.advance(59_000)
    look()
    t.same(news(), [])
    clock.advance(1_000)
    look()
    t.same(news(), ['+ dependency_unavailable board a INFO'])
    rules.boardUp('a')
    t.same(news(), ['- dependency_unavailable board a'])
    const breakers = new Breakers(clock)
    const breaker = breakers.for({ name: 'webhook w' })
    const seen = () => look({ breakers: breakers.list() })
    for (let n = 0; n < 5; n++)
      await breaker.run(() => Promise.reject(new Error('no'))).catch(() => undefined)
    seen()
    t.same(news(), ['+ dependency_unavailable breaker webhook w WARNING'])
    clock.advance(60_000)
    seen()
    t.same(news(), [], 'half open is not well yet')
    await breaker.run(async () => 1)
    await breaker.run(async () => 2)
    seen()
    t.same(news(), ['- dependency_unavailable breaker webhook w'])
    for (let n = 0; n < 5; n++)
      await breaker.run(() => Promise.reject(new Error('no'))).catch(() => undefined)
    seen()
    news()
    breakers.drop('webhook w')
    seen()
    t.same(news(), ['- dependency_unavailable breaker webhook w'], 'what is gone is no trouble')
    rules.boardDown('b')
    clock.advance(60_000)
    look()
    news()
    rules.boardForgotten('b')
    t.same(news(), ['- dependency_unavailable board b'])
  },
)

t.test('what the health finds is told: database, broker, backup and clock', async t => {
  const { look, news, clock } = rig()
  const dead = { set: () => Promise.reject(new Error('disk I/O error')) } as never
  const old = {
    nightly: true,
    list: [{ createdMs: clock.wallTime() - 60 * 3_600_000 }] as never,
    trouble: undefined,
  }
  const health = new Health({
    clock,
    version: '1',
    checks: [
      databaseCheck({ settings: dead }, clock),
      backupCheck(clock, async () => old),
      clockCheck(clock, async () => false),
    ],
  })
  look({ checks: (await health.check()).checks })
  t.same(news(), [
    '+ dependency_unavailable database CRITICAL',
    '+ backup_overdue backup WARNING',
    '+ clock_unsynchronised clock WARNING',
  ])
  const ok = ['database', 'broker', 'backup', 'clock'].map(name => ({
    name,
    status: 'ok' as const,
    message: '',
  }))
  look({ checks: ok })
  t.same(news(), [
    '- dependency_unavailable database',
    '- backup_overdue backup',
    '- clock_unsynchronised clock',
  ])
  look({ checks: [{ name: 'broker', status: 'warning', message: 'a listener is missing' }] })
  t.same(news(), ['+ dependency_unavailable broker WARNING'])
})

t.test('an alert is seen by somebody, outlives a restart, and old ones make room', async t => {
  const first = rig()
  const sign: Sign = { code: 'resource_exhausted', subject: 'disk', severity: 'WARNING', message: 'full' }
  first.alerts.raise(sign)
  const [raised] = first.alerts.list()
  const { after } = first.alerts.acknowledge(raised?.id ?? '', 'eve')
  t.match(after, { acknowledgedBy: 'eve', acknowledgedMs: first.clock.wallTime(), clearedMs: null })
  t.same(first.alerts.acknowledge(after.id, 'mallory').after, after, 'the first one counts')
  t.throws(() => first.alerts.acknowledge('x', 'eve'), { code: 'not_found' })
  first.alerts.raise({ ...sign, severity: 'CRITICAL', message: 'fuller' })
  t.match(
    first.alerts.list(),
    [{ severity: 'CRITICAL', message: 'fuller', acknowledgedBy: null }],
    'worse is news',
  )
  first.alerts.raise({ ...sign, severity: 'INFO' })
  t.match(first.alerts.list(), [{ severity: 'CRITICAL' }], 'never milder')
  const second = rig([...first.rows.values()])
  await second.alerts.load()
  t.ok(second.alerts.isOpen('resource_exhausted', 'disk'))
  second.look({ disk: { freeBytes: 90, totalBytes: 100 } })
  t.same(second.news(), ['- resource_exhausted disk'])
  for (let n = 0; n < 1200; n++) {
    second.alerts.raise({ ...sign, subject: `queue ${n}` })
    second.alerts.clear('resource_exhausted', `queue ${n}`)
  }
  t.equal(second.alerts.list().length, 1000)
  t.equal(second.rows.size, 1000)
  t.equal(second.alerts.list()[0]?.subject, 'queue 1199')
  for (let n = 0; n < 1200; n++) second.alerts.raise({ ...sign, subject: `open ${n}` })
  t.equal(second.alerts.counts().WARNING, 500, 'and nobody can fill memory with open ones')
})

t.test('whatever comes in which order, each subject is raised and cleared by turns', async () => {
  const share = fc.double({ min: 0, max: 1.2, noNaN: true })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), share), { maxLength: 60 }), steps => {
      const { look, news } = rig()
      const open = new Map<string, boolean>()
      for (const [name, size] of steps) {
        look({ queues: [{ name, size, limit: 1 }] })
        for (const line of news()) {
          const raised = line.startsWith('+')
          if ((open.get(name) ?? false) === raised) return false
          open.set(name, raised)
        }
        const is = open.get(name) ?? false
        if ((size >= 0.9 && !is) || (size < 0.85 && is)) return false
      }
      return true
    }),
  )
})

async function stored(t: Test) {
  const store = await openStore(join(t.testdir(), 'gateway.db'))
  t.teardown(() => store.close())
  return store
}

t.test('alerts are kept in the database', async t => {
  const store = await stored(t)
  const clock = new VirtualClock()
  const make = () => new Alerts({ clock, log: silentLog, events: new Bus(), store: store.alerts })
  const alerts = make()
  alerts.raise({ code: 'backup_overdue', subject: 'backup', severity: 'WARNING', message: 'old' })
  clock.advance(5)
  alerts.raise({ code: 'slow_answers', subject: 'api', severity: 'WARNING', message: 'slow' })
  alerts.clear('slow_answers', 'api')
  await store.database.info()
  const again = make()
  await again.load()
  t.same(again.list(), alerts.list())
  t.same(again.counts(), { INFO: 0, WARNING: 1, CRITICAL: 0 })
  let refusals = 2
  const full = {
    list: store.alerts.list,
    put: async (...args: Parameters<typeof store.alerts.put>) => {
      if (refusals-- > 0) throw new AppError('overloaded', 'the disk cannot keep up')
      await store.alerts.put(...args)
    },
  }
  const busy = new Alerts({ clock, log: silentLog, events: new Bus(), store: full })
  busy.raise({ code: 'auth_failures', subject: 'accounts', severity: 'WARNING', message: 'many' })
  for (let n = 0; n < 6; n++) {
    await new Promise(resolve => setImmediate(resolve))
    clock.advance(300)
  }
  await store.database.info()
  t.ok(
    (await store.alerts.list()).some(({ code }) => code === 'auth_failures'),
    'a full queue is tried again',
  )
  await store.close()
  const lines: string[] = []
  const log = { ...silentLog, error: (_: object, words: string) => void lines.push(words) }
  const blind = new Alerts({ clock, log, events: new Bus(), store: store.alerts })
  blind.raise({ code: 'dependency_unavailable', subject: 'database', severity: 'CRITICAL', message: 'gone' })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(blind.list().length, 1, 'a database that fails can be told of')
  t.same(lines, ['an alert could not be kept; it is in memory only'])
})
