import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite, { type Database } from 'better-sqlite3'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { AppError } from '../../src/kernel/errors.ts'
import { migrate, schemaVersion } from '../../src/store/migrations.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { operations } from '../../src/store/operations.ts'
import { runBatch } from '../../src/store/run-batch.ts'
import { storageError } from '../../src/store/storage-error.ts'
import { openStore } from '../../src/store/store.ts'
import { fromPlainError, toPlainError } from '../../src/store/thread-messages.ts'

const options = { busyTimeoutMs: 50 }
const { blobs, settings } = operations

function open(t: Test, path: string): Database {
  const db = openDatabase(path, options)
  t.teardown(() => db.close())
  return db
}

/** Puts the file there, expects the refusal, and that not one byte of it changed. */
async function refuses(t: Test, path: string, message: RegExp): Promise<void> {
  const before = readFileSync(path)
  await t.rejects(openStore(path), { name: 'AppError', code: 'storage_failed', message }, String(message))
  t.same(readFileSync(path), before, 'the file is untouched')
}

t.test('a database is made from nothing, and opening it again changes nothing', async t => {
  const path = join(t.testdir(), 'gateway.db')
  openDatabase(path, options).close()
  const made = readFileSync(path)
  const db = open(t, path)
  t.equal(db.pragma('user_version', { simple: true }), schemaVersion)
  t.equal(db.pragma('application_id', { simple: true }), 0x50584754)
  t.same(readFileSync(path), made)
  const [{ detail: plan } = { detail: '' }] = db
    .prepare<[], { detail: string }>(
      `EXPLAIN QUERY PLAN SELECT id FROM jobs WHERE boardId = 'x' AND state = 'queued' ORDER BY seq DESC LIMIT 20`,
    )
    .all()
  t.match(plan, /USING INDEX jobsByBoardAndState|USING COVERING INDEX/)
  db.exec(`INSERT INTO boards VALUES ('b','n',0,0,1,'','RGB',NULL,'serial','x',NULL,1,'','{}',0,0,1,1,NULL)`)
  db.exec(`INSERT INTO jobs (id, batchId, boardId, name, state, raw, optionsJson, createdMs, updatedMs, finishedMs)
    VALUES ('j', 'b', 'b', 'n', 'failed', 0, '{}', 1, 1, 1)`)
  t.throws(() => db.exec(`UPDATE jobs SET state = 'queued', finishedMs = NULL`), /never reopened/)
  t.throws(() => db.exec(`UPDATE jobs SET finishedMs = NULL`), /CHECK/)
})

t.test('a step of the schema that fails leaves the version before it', async t => {
  const db = new Sqlite(':memory:')
  t.teardown(() => db.close())
  const steps = ['CREATE TABLE a (x)', 'CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)']
  t.throws(() => migrate(db, steps), /nowhere/)
  t.equal(db.pragma('user_version', { simple: true }), 1)
  t.same(db.prepare(`SELECT name FROM sqlite_schema`).pluck().all(), ['a'])
  migrate(db, ['', 'CREATE TABLE b (x)', 'CREATE TABLE c (x)'])
  t.equal(db.pragma('user_version', { simple: true }), 3)
  t.same(db.prepare(`SELECT name FROM sqlite_schema`).pluck().all(), ['a', 'b', 'c'])
})

t.test('files that are no database of ours are refused and stay as they are', async t => {
  const folder = t.testdir()
  const path = (name: string): string => join(folder, name)
  openDatabase(path('good.db'), options).close()
  const good = readFileSync(path('good.db'))

  writeFileSync(path('text.db'), 'these are the notes of the user, not a database. '.repeat(20))
  await refuses(t, path('text.db'), /damaged or no database/)
  writeFileSync(path('short.db'), 'x')
  await refuses(t, path('short.db'), /damaged|no database/)
  writeFileSync(path('cut.db'), good.subarray(0, good.length - 8192))
  await refuses(t, path('cut.db'), /damaged/)
  const smashed = Buffer.from(good)
  smashed.fill(0x5a, 4096 * 2, 4096 * 12)
  writeFileSync(path('smashed.db'), smashed)
  await refuses(t, path('smashed.db'), /damaged/)

  const newer = new Sqlite(path('newer.db'))
  newer.exec(`PRAGMA application_id = ${0x50584754}; PRAGMA user_version = 99; CREATE TABLE a (x)`)
  newer.close()
  await refuses(
    t,
    path('newer.db'),
    new RegExp(`newer pixelgate \\(version 99, this one knows ${schemaVersion}\\)`),
  )

  const foreign = new Sqlite(path('foreign.db'))
  foreign.exec('CREATE TABLE a (x); PRAGMA user_version = 1')
  foreign.close()
  await refuses(t, path('foreign.db'), /belongs to another program/)
})

t.test('a row that its index does not know is found at the opening', async t => {
  const path = join(t.testdir(), 'gateway.db')
  const db = openDatabase(path, options)
  for (const key of ['a', 'b', 'c']) settings.set.run(db, { key: `key-${key}`, value: 'value' })
  db.close()
  const bytes = readFileSync(path)
  const at = bytes.lastIndexOf('key-b')
  bytes.write('key-z', at)
  writeFileSync(path, bytes)
  await refuses(t, path, /damaged/)
})

t.test('a power cut in the middle of the very first write is recovered', async t => {
  const folder = t.testdir()
  const [path, cut] = [join(folder, 'gateway.db'), join(folder, 'cut.db')]
  const db = new Sqlite(path)
  db.exec(
    'PRAGMA cache_size = 1; PRAGMA cache_spill = 1; CREATE TABLE old (x); DROP TABLE old; BEGIN; CREATE TABLE a (x)',
  )
  const insert = db.prepare('INSERT INTO a VALUES (zeroblob(3000))')
  for (let n = 0; n < 50; n++) insert.run()
  copyFileSync(path, cut)
  copyFileSync(`${path}-journal`, `${cut}-journal`)
  db.exec('ROLLBACK')
  db.close()
  const opened = open(t, cut)
  t.equal(opened.pragma('user_version', { simple: true }), schemaVersion)
  t.equal(existsSync(`${cut}-journal`), false)
})

t.test('no flipped bit of the file ever gives wrong bytes of a blob', async t => {
  const path = join(t.testdir(), 'gateway.db')
  const files = [300, 5000, 40_000].map((size, seed) => Buffer.alloc(size, `pattern ${seed} `))
  const first = openDatabase(path, options)
  const shas = files.map(bytes => blobs.put.run(first, { bytes, nowMs: 1 }))
  first.close()
  const good = readFileSync(path)
  const outcomes = { right: 0, refused: 0 }
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(7), (byte, bit) => {
      const flipped = Buffer.from(good)
      flipped[byte] = (flipped[byte] ?? 0) ^ (1 << bit)
      writeFileSync(path, flipped)
      let db: Database | undefined
      try {
        db = openDatabase(path, options)
        for (const [index, sha] of shas.entries()) {
          if (!files[index]?.equals(blobs.get.run(db, sha))) return false
        }
        outcomes.right++
      } catch (error) {
        const told = storageError(error, path)
        outcomes.refused++
        return told instanceof AppError && ['storage_failed', 'not_found'].includes(told.code)
      } finally {
        db?.close()
      }
      return true
    }),
    // The example once left a table whose name was no text.
    { numRuns: 300, examples: [[105_487, 0]] },
  )
  // A third of the file is pages that a blob or the schema needs.
  t.ok(outcomes.refused > 30, JSON.stringify(outcomes))
})

t.test('a database whose first write finds no room is made when there is room', async t => {
  const path = join(t.testdir(), 'gateway.db')
  t.throws(() => openDatabase(path, { ...options, maxBytes: 8192 }), { code: 'SQLITE_FULL' })
  t.equal(open(t, path).pragma('user_version', { simple: true }), schemaVersion)
})

t.test('a damaged blob is refused, and mended when the same file is put again', async t => {
  const path = join(t.testdir(), 'gateway.db')
  const db = openDatabase(path, options)
  const bytes = Buffer.alloc(20_000, 'flame')
  const sha = blobs.put.run(db, { bytes, nowMs: 1 })
  db.close()
  const file = readFileSync(path)
  const at = file.indexOf('flameflame', file.length - 9000)
  file[at] = (file[at] ?? 0) ^ 1
  writeFileSync(path, file)
  const store = await openStore(path)
  t.teardown(() => store.close())
  await t.rejects(store.blobs.get(sha), {
    code: 'storage_failed',
    message: /damaged/,
    detail: { reason: 'damaged', sha },
  })
  t.equal(await store.blobs.put({ bytes, nowMs: 2 }), sha)
  t.same(Buffer.from(await store.blobs.get(sha)), bytes)
})

t.test('when SQLite gives up the whole flush, each call counts for itself', async t => {
  const db = open(t, join(t.testdir(), 'gateway.db'))
  const set = (key: string) => ({
    writes: true,
    run: (d: Database) => settings.set.run(d, { key, value: key }),
  })
  const giveUp = {
    writes: true,
    run: (d: Database) => {
      d.exec('ROLLBACK')
      throw new Error('SQLite gave up')
    },
  }
  const outcomes = runBatch(db, [set('a'), giveUp, set('b')])
  t.same(
    outcomes.map(outcome => outcome.ok),
    [true, false, true],
  )
  t.same(
    ['a', 'b'].map(key => settings.get.run(db, key)),
    ['a', 'b'],
  )
  t.same(runBatch(db, []), [])
})

t.test('what SQLite and the file system report becomes words that say what to do', async t => {
  const told = (code: string): unknown =>
    storageError(Object.assign(new Error(code), { code }), '/x/gateway.db')
  for (const [code, message] of [
    ['SQLITE_FULL', /free space/],
    ['SQLITE_IOERR_FSYNC', /check the disk/],
    ['SQLITE_BUSY_SNAPSHOT', /locked/],
    ['SQLITE_LOCKED', /locked/],
    ['SQLITE_CORRUPT_INDEX', /damaged/],
    ['SQLITE_NOTADB', /no database/],
    ['SQLITE_READONLY_DIRECTORY', /cannot be written/],
    ['SQLITE_PERM', /cannot be written/],
    ['SQLITE_CANTOPEN', /cannot be opened/],
    ['SQLITE_TOOBIG', /too large/],
    ['SQLITE_NOMEM', /memory/],
    ['EACCES', /cannot be written/],
    ['EPERM', /cannot be written/],
    ['EROFS', /read-only disk/],
    ['ENOSPC', /free space/],
    ['EEXIST', /is a file/],
  ] as const) {
    t.match(told(code), { code: 'storage_failed', message, detail: { sqlite: code, path: '/x/gateway.db' } })
  }
  const bugs = [new Error('bug'), 'text', Object.assign(new Error('x'), { code: 'SQLITE_MISUSE' })]
  for (const bug of bugs) t.equal(storageError(bug, '/x'), bug)
  t.equal(told('SQLITE_CONSTRAINT_CHECK') instanceof AppError, false, 'a broken CHECK is a bug')

  const bare = fromPlainError(toPlainError(new AppError('conflict', 'twice')))
  t.match(bare, { code: 'conflict', message: 'twice', detail: undefined })
  t.match(fromPlainError({ code: undefined, message: 'bug', detail: undefined, stack: undefined }), {
    message: 'bug',
  })
})
