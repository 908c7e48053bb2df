import { join } from 'node:path'
import Sqlite, { type Database } from 'better-sqlite3'
import t, { type Test } from 'tap'
import { boardId, jobId, patternId } from '../../src/kernel/ids.ts'
import { migrate } from '../../src/store/migrations.ts'
import { files } from '../../src/store/tables/files.ts'
import { type JobFilter, listJobs } from '../../src/store/tables/job-list.ts'
import { jobs } from '../../src/store/tables/jobs.ts'
import { listPatterns, type PatternFilter } from '../../src/store/tables/pattern-list.ts'
import { patterns } from '../../src/store/tables/patterns.ts'
import { CpuTime } from '../support/cpu-time.ts'

const rows = 100_000

/** 100,000 jobs of 100 boards and 1,000 patterns, 100,000 patterns of 50,000 names, and as many files. */
function large(t: Test): Database {
  const db = new Sqlite(join(t.testdir(), 'gateway.db'))
  t.teardown(() => db.close())
  db.pragma('synchronous = OFF')
  migrate(db)
  db.pragma('foreign_keys = OFF')
  const numbers = `WITH RECURSIVE n (at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM n WHERE at < ${rows - 1})`
  db.exec(`BEGIN;
    ${numbers} INSERT INTO patternFamilies (id, name, versions)
      SELECT at + 1, 'name ' || at, 2 FROM n WHERE at < ${rows / 2};
    ${numbers} INSERT INTO patternTags (familyId, tag)
      SELECT at + 1, iif(at % 3 = 0, 'third', 'other') FROM n WHERE at < ${rows / 2};
    INSERT INTO patternTags (familyId, tag) VALUES (7, 'rare');
    ${numbers} INSERT INTO patterns (id, name, sourceSha, sizeBytes, format, createdMs, familyId, version)
      SELECT 'p' || at, 'file ' || at, randomblob(32), 10, iif(at % 10 = 0, 'gif', 'leds'), at, at % ${rows / 2} + 1,
        1 + at / ${rows / 2} FROM n;
    ${numbers} INSERT INTO jobs (id, batchId, boardId, name, patternId, state, raw, optionsJson, digestValue, createdMs,
        updatedMs, finishedMs)
      SELECT 'j' || at, 'b' || (at / 50), 'board' || (at % 100), 'x', 'p' || (at % 1000),
        iif(at % 50 = 0, 'failed', iif(at % 1000 = 1, 'waiting', 'done')), 0, '{}', 'ab', at, at,
        iif(at % 50 <> 0 AND at % 1000 = 1, NULL, at) FROM n;
    ${numbers} INSERT INTO files (id, ownerId, name, metadata, door, sizeBytes, state, createdMs, expiresMs)
      SELECT 'f' || at, 'o' || (at % 100), 'x', '', 'api', 10, 'complete', at, at FROM n;
    COMMIT;`)
  return db
}

/** One run costs less than half of what a walk through the whole table costs at the same time, by this process's processor. */
function isCheap(t: Test, db: Database, name: string, run: () => unknown): void {
  const walk = db.prepare('SELECT sum(length(name)) FROM jobs NOT INDEXED')
  const cost = (work: () => unknown) => {
    const cpu = new CpuTime()
    work()
    return cpu.ms
  }
  const pairs = Array.from({ length: 15 }, () => [cost(run), cost(() => walk.get())] as const)
  const median = (of: 0 | 1) => pairs.map(pair => pair[of]).sort((one, other) => one - other)[7] ?? 0
  const words = `${name}: ${median(0)} ms of processor, the whole table ${median(1)} ms`
  t.ok(median(0) < median(1) / 2, words)
  t.comment(words)
}

t.test('a page costs little however many rows there are, and no list is sorted or read whole', async t => {
  const db = large(t)
  const plan = (sql: string, values: object): readonly string[] =>
    db
      .prepare<object, { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(values)
      .map(({ detail }) => detail)
  const page = { limit: 20, skip: 0 }
  const jobFilters: Readonly<Record<string, JobFilter>> = {
    all: page,
    further: { ...page, before: jobId('j50000') },
    skipped: { ...page, skip: 500 },
    state: { ...page, states: ['waiting'] },
    states: { ...page, states: ['failed', 'waiting', 'cancelled'] },
    board: { ...page, boardId: boardId('board7') },
    boardAndState: { ...page, boardId: boardId('board50'), states: ['failed'] },
    batch: { ...page, batchId: 'b77' },
    pattern: { ...page, patternId: patternId('p50') },
    patternAndStates: { ...page, patternId: patternId('p50'), states: ['done', 'failed'] },
  }
  for (const [name, filter] of Object.entries(jobFilters)) {
    const { page: sql, count, values } = listJobs(filter)
    const steps = [...plan(sql, values), ...plan(count, values)]
    // Of a handful of rows from several walks the order is made anew.
    const sorts = steps.filter(
      step => /TEMP B-TREE/.test(step) && name !== 'states' && name !== 'patternAndStates',
    )
    t.same(sorts, [], name)
    t.same(
      steps.filter(step => /^SCAN jobs$/.test(step) && !/all|further|skipped/.test(name)),
      [],
      name,
    )
    t.ok(jobs.list.run(db, filter).jobs.length > 0, name)
    isCheap(t, db, `jobs ${name}`, () => jobs.list.run(db, filter))
  }

  const patternFilters: Readonly<Record<string, PatternFilter>> = {
    all: page,
    further: { ...page, before: patternId('p90000') },
    skipped: { ...page, skip: 500 },
    tag: { ...page, tag: 'third' },
    rareTag: { ...page, tag: 'rare' },
    format: { ...page, format: 'gif' },
    tagAndFormat: { ...page, limit: 1, tag: 'rare', format: 'leds' },
    versions: { ...page, versionsOf: patternId('p7') },
  }
  for (const [name, filter] of Object.entries(patternFilters)) {
    const { page: sql, count, values } = listPatterns(filter)
    const steps = [...plan(sql, values), ...plan(count, values)]
    t.same(
      steps.filter(step => /TEMP B-TREE FOR ORDER BY/.test(step) || /^SCAN [pft]$/.test(step)),
      [],
      name,
    )
    t.ok(patterns.list.run(db, filter).patterns.length > 0, name)
    isCheap(t, db, `patterns ${name}`, () => patterns.list.run(db, filter))
  }

  for (const ownerId of [undefined, 'o7'])
    isCheap(t, db, `files of ${ownerId ?? 'all'}`, () =>
      files.list.run(db, { ...page, before: undefined, ...(ownerId && { ownerId }) }),
    )
  isCheap(t, db, 'events', () => jobs.events.run(db, { id: jobId('j500') }))
})

t.test('the newest version of a name is told apart from the others, whatever comes and goes', async t => {
  const db = new Sqlite(':memory:')
  t.teardown(() => db.close())
  migrate(db)
  const add = db.prepare(`INSERT INTO patterns (id, name, sourceSha, sizeBytes, format, createdMs, familyId)
    VALUES (?, 'x', randomblob(32), 1, 'gif', 1, ?)`)
  db.pragma('foreign_keys = OFF')
  db.exec(`INSERT INTO patternFamilies (name) VALUES ('a'), ('b')`)
  let random = 7
  const next = (below: number) => {
    random = (random * 48_271) % 2_147_483_647
    return random % below
  }
  let made = 0
  for (let step = 0; step < 300; step++) {
    const ids = db.prepare<[], string>('SELECT id FROM patterns').pluck().all()
    const some = ids[next(Math.max(1, ids.length))]
    const what = next(4)
    if (what < 2 || some === undefined) add.run(`p${made++}`, 1 + next(2))
    else if (what === 2) db.prepare('DELETE FROM patterns WHERE id = ?').run(some)
    else db.prepare('UPDATE patterns SET seq = (SELECT max(seq) + 1 FROM patterns) WHERE id = ?').run(some)
    if (step % 50 === 0)
      db.exec(
        `INSERT INTO patternTags (familyId, tag) VALUES (1, 't${step}'), (2, 't${step}') ON CONFLICT DO NOTHING`,
      )
    const wrong = db
      .prepare(`SELECT id FROM patterns AS p
        WHERE latest <> (seq = (SELECT max(seq) FROM patterns AS o WHERE o.familyId = p.familyId))
        UNION ALL SELECT tag FROM patternTags AS t
        WHERE seq <> (SELECT max(seq) FROM patterns AS o WHERE o.familyId = t.familyId)`)
      .all()
    if (wrong.length > 0) throw new Error(`step ${step}: ${JSON.stringify(wrong)}`)
  }
  t.ok(made > 100)
})
