import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { CircuitBreaker } from '../../src/guard/circuit-breaker.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { type BoardId, boardId, jobId, type PatternId } from '../../src/kernel/ids.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { indexHint } from '../../src/store/index-hint.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { prepared } from '../../src/store/prepared.ts'
import { metered, planOf, type StatementTimes } from '../../src/store/statement-meter.ts'
import type { FinishedCall } from '../../src/store/storage-thread.ts'
import { openStore, type StoreOptions } from '../../src/store/store.ts'
import { fillLarge, idOf, kinds, lookInto } from '../support/large-database.ts'

const rows = 60_000
const folder = t.testdir()
const path = join(folder, 'gateway.db')
fillLarge(path, { rows })

const open = async (t: Test, options: StoreOptions = {}) => {
  const store = await openStore(path, options)
  t.teardown(() => store.close())
  return store
}

/** Threads that were started from now on. */
function workersOf(t: Test): Worker[] {
  const workers: Worker[] = []
  const note = (worker: Worker): void => void workers.push(worker)
  process.on('worker', note)
  t.teardown(() => void process.off('worker', note))
  return workers
}

const turns = () => new Promise(resolve => setImmediate(resolve))
const newJob = (n: number) => ({
  id: jobId(idOf(99, n)),
  batchId: 'b',
  boardId: boardId(idOf(kinds.board, n % 20)),
  name: `new ${n}`,
  patternId: null,
  raw: false,
  optionsJson: '{}',
  sourceSha: null,
  nowMs: n,
})
const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? 0

t.test('while long reads run, writes and short reads go on as if they were not there', async t => {
  const calls: FinishedCall[] = []
  const store = await open(t, { onCall: call => calls.push(call) })
  t.same(store.readers.open, 0, 'none is started before it is needed')
  const longest = () => store.patternLibrary.find('no pattern is called like this', 'loosely')
  await longest()
  const began = performance.now()
  const long = Array.from({ length: 16 }, longest)
  let running = true
  const ended = Promise.all(long).finally(() => {
    running = false
  })
  const shortMs: number[] = []
  for (let n = 0; running; n++) {
    const from = performance.now()
    await store.settings.set({ key: 'k', value: `${n}` })
    t.equal(await store.settings.get('k'), `${n}`)
    shortMs.push((performance.now() - from) / 2)
    await turns()
  }
  await ended
  const tookMs = performance.now() - began
  const p99 = percentile(shortMs, 0.99)
  const words = `${shortMs.length} pairs in ${Math.round(tookMs)} ms of long reads, p99 ${p99.toFixed(1)} ms`
  t.comment(words)
  t.ok(tookMs > 500, 'the reads were long')
  t.ok(p99 < 50, words)
  t.equal(store.readers.open, 2)
  t.ok(statSync(path).size > 4 * 1024 * 1024)
  const read = calls.findLast(call => call.operation === 'patternLibrary.find')
  t.ok((read?.statements.ms.length ?? 0) > 2, 'every statement was timed')
  t.ok(
    read?.statements.ms.every(ms => ms >= 0) && (read?.ms ?? 0) >= Math.max(...(read?.statements.ms ?? [])),
  )
})

t.test('a read that is asked after an acknowledged write sees it', async t => {
  const store = await open(t)
  const board = boardId(idOf(kinds.board, 3))
  const { total } = await store.jobs.list({ boardId: board, limit: 1 })
  for (let n = 0; n < 200; n++) {
    const job = { ...newJob(n), boardId: board }
    await store.jobs.insert(job)
    const seen = await Promise.all([
      store.jobs.list({ boardId: board, limit: 1 }),
      store.jobs.list({ boardId: board, limit: 1 }),
    ])
    for (const { jobs, total: now } of seen) {
      if (jobs[0]?.id !== job.id || now !== total + n + 1) throw new Error(`write ${n} was not seen`)
    }
  }
  t.ok(store.readers.started >= 1, 'readers have answered')
})

t.test('a reader cannot write, whatever runs on it', async t => {
  const store = await open(t, { readersFromBytes: 0 })
  const before = await store.jobs.list({ limit: 1 })
  await t.rejects(
    store.patterns.list({ limit: 1, before: 'x' as PatternId }).then(() => store.jobs.insert(newJob(0))),
  )
  t.same((await store.jobs.list({ limit: 1 })).total, before.total)
})

t.test('so many may wait; one more is refused, and comes again later', async t => {
  const store = await open(t, { maxPendingReads: 5 })
  const page = () => store.jobs.list({ limit: 1 })
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, page))
  t.same(
    outcomes.map(({ status }) => status),
    [...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')],
  )
  t.match(outcomes[7], { reason: { code: 'overloaded' } })
  t.equal((await page()).jobs.length, 1)
  t.equal(store.readers.pendingCalls, 0)
})

t.test(
  'a reader that dies is replaced and its calls are asked again; one that always dies is left alone',
  async t => {
    const workers = workersOf(t)
    const breaker = new CircuitBreaker(
      {
        name: 'readers',
        isFailure: error => error instanceof AppError && error.detail?.['reason'] === 'thread_ended',
      },
      systemClock,
    )
    const store = await open(t, { maxReaders: 1, readerGuard: breaker })
    await store.jobs.list({ limit: 1 })
    t.equal(workers.length, 2, 'a writer and a reader')
    const asked = store.jobs.list({ limit: 2 })
    await workers[1]?.terminate()
    t.equal((await asked).jobs.length, 2, 'whoever asked does not notice')
    t.match(store.readers, { open: 1, started: 2, died: 1 })
    await t.rejects(
      store.jobs.list({ limit: 1, boardId: {} as BoardId }),
      'a fault of a call is no fault of its reader',
    )
    t.equal(store.readers.died, 1)
    const kill = (worker: Worker): void => void worker.terminate()
    process.on('worker', kill)
    await workers[2]?.terminate()
    for (let n = 0; n < 2; n++) await t.rejects(store.jobs.list({ limit: 1 }), { code: 'storage_failed' })
    for (let n = 0; n < 2; n++)
      await t.rejects(store.jobs.list({ limit: 1 }), { code: 'dependency_unavailable' })
    process.off('worker', kill)
    t.equal(breaker.state, 'OPEN')
    await store.settings.set({ key: 'k', value: 'the writer lives' })
    breaker.reset()
    t.equal((await store.jobs.list({ limit: 1 })).jobs.length, 1, 'an admin lets them try again')
  },
)

t.test('a reader that nobody needs ends after a minute', async t => {
  const clock = new VirtualClock()
  const workers = workersOf(t)
  const store = await open(t, { clock })
  await store.jobs.list({ limit: 1 })
  clock.advance(59_000)
  await store.jobs.list({ limit: 1 })
  clock.advance(59_000)
  t.equal(store.readers.open, 1)
  const exit = new Promise(resolve => workers[1]?.once('exit', resolve))
  clock.advance(1_000)
  t.equal(store.readers.open, 0)
  await exit
  await store.jobs.list({ limit: 1 })
  t.match(store.readers, { open: 1, started: 2, died: 0 })
})

t.test('a small database needs no reader', async t => {
  const store = await openStore(join(t.testdir(), 'small.db'))
  t.teardown(() => store.close())
  t.same(await store.jobs.list({ limit: 1 }), { jobs: [], total: 0 })
  t.same(await store.patternLibrary.find('x', 'loosely'), [])
  t.equal(store.readers.started, 0)
})

t.test('after closing, nothing is asked any more', async t => {
  const store = await openStore(path)
  await store.jobs.list({ limit: 1 })
  const last = store.jobs.list({ limit: 1 })
  await store.close()
  t.equal((await last).jobs.length, 1, 'what was asked before is answered')
  await t.rejects(store.jobs.list({ limit: 1 }), { code: 'storage_failed' })
  await store.close()
})

t.test('slow statements are explained without the values that were bound', async t => {
  const db = openDatabase(path, { busyTimeoutMs: 200 })
  t.teardown(() => db.close())
  const secret = 'marble otter'
  const slow = `SELECT count(*) AS count FROM jobs AS j JOIN json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]')
    WHERE j.errorMessage IS @secret OR instr(hex(j.name || j.id || value), @secret) > 0`
  let times: StatementTimes | undefined
  const ask = () => prepared<{ count: number }>(db, slow).get({ secret })?.count
  t.equal(
    metered(db, ask, told => {
      times = told
    }),
    0,
  )
  t.equal(times?.ms.length, 1)
  const [found] = times?.slow ?? []
  t.ok((found?.ms ?? 0) >= 100, `${found?.ms} ms`)
  t.match(found?.plan, [/SCAN j/])
  t.match(found?.hint, /reads all of jobs: add an index on jobs \(errorMessage\)/)
  t.notMatch(JSON.stringify(times), secret)
  t.equal(ask(), 0, 'outside a call nothing is counted')
  t.throws(() =>
    metered(
      db,
      () => prepared(db, 'SELECT * FROM jobs WHERE seq = ?').get({}, 1, 2),
      told => {
        times = told
      },
    ),
  )
  t.equal(times?.ms.length, 1, 'a statement that throws was one too')
})

t.test('the hint names table and columns; a good plan gets none', async t => {
  const db = lookInto(path)
  t.teardown(() => db.close())
  const hintFor = (sql: string) => indexHint(sql, planOf(db, sql))
  t.match(
    hintFor('SELECT * FROM jobs WHERE errorCode = @code AND name > @name ORDER BY name DESC LIMIT 5'),
    /reads all of jobs: add an index on jobs \(errorCode, name\)/,
  )
  t.match(
    hintFor('SELECT m.id FROM messages AS m WHERE m.authorId = ? ORDER BY m.createdMs'),
    /sorts in a temporary b-tree: add an index on messages \(authorId, createdMs\)/,
  )
  for (const good of [
    'SELECT * FROM jobs WHERE id = ?',
    'SELECT * FROM jobs WHERE boardId = @id AND state = @state ORDER BY seq DESC LIMIT 20',
    "SELECT value FROM json_each('[1]')",
    'SELECT 1',
    'SELECT count(*) FROM jobs',
  ])
    t.equal(hintFor(good), null, good)
  t.same(planOf(db, 'nonsense'), [])
  t.match(indexHint('?', ['SCAN x']), /x/)
})
