import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { boardId, jobId, type PatternId, patternId, uuidV7 } from '../../src/kernel/ids.ts'
import { migrate, migrations, schemaVersion } from '../../src/store/migrations.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { searchForm } from '../../src/store/search-form.ts'
import { sha256 } from '../../src/store/sha256.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { patternLibrary } from '../../src/store/tables/pattern-library.ts'
import { patterns } from '../../src/store/tables/patterns.ts'
import { verifyDatabase } from '../../src/store/verify-database.ts'
import { arriving } from '../support/arriving.ts'

async function open(t: Test): Promise<Store> {
  const store = await openStore(`${t.testdir()}/gateway.db`)
  t.teardown(() => store.close())
  return store
}

const bytes = (text: string): Uint8Array => Buffer.from(text)
const newId = (n: number): PatternId => patternId(uuidV7(n))
const names = async (store: Store, filter: object) =>
  (await store.patterns.list({ limit: 100, ...filter })).patterns.map(({ name }) => name)

t.test('the same bytes are one pattern, and each time that they came is noted', async t => {
  const store = await open(t)
  const first = await store.patterns.keep(arriving({ name: 'fire', tags: ['warm'], arrivedMs: 5 }))
  t.match(first, {
    created: true,
    pattern: { name: 'fire', version: 1, versions: 1, latest: true, tags: ['warm'] },
  })
  const again = await store.patterns.keep(
    arriving({ fileName: 'copy.gif', door: 'panel', who: 'ada', tags: ['hall'], arrivedMs: 9 }),
  )
  t.match(again, { created: false, pattern: { id: first.pattern.id, name: 'fire', tags: ['hall', 'warm'] } })
  t.match(await store.patternLibrary.arrivals(first.pattern.id), [
    { fileName: 'copy.gif', door: 'panel', who: 'ada', arrivedMs: 9 },
    { fileName: 'fire', door: 'cli', who: null, arrivedMs: 5 },
  ])
  const raw = await store.patterns.keep(arriving({ raw: true, name: 'fire raw', format: 'raw' }))
  t.match(
    raw,
    { created: true, pattern: { sourceSha: first.pattern.sourceSha } },
    'raw bytes are something else',
  )
  t.equal((await store.patterns.list({ limit: 9 })).total, 2)
})

t.test('of many arrivals the first and the newest are kept', async t => {
  const store = await open(t)
  const { pattern } = await store.patterns.keep(arriving({ arrivedMs: 1 }))
  for (let n = 2; n <= 80; n++) await store.patterns.keep(arriving({ arrivedMs: n }))
  const times = (await store.patternLibrary.arrivals(pattern.id)).map(({ arrivedMs }) => arrivedMs)
  t.same([times.length, times[0], times.at(-2), times.at(-1)], [50, 80, 32, 1])
})

t.test(
  'another file of the same name is its next version; the newest is shown, the others are listed',
  async t => {
    const store = await open(t)
    const keep = (text: string) => store.patterns.keep(arriving({ bytes: bytes(text), name: 'fire' }))
    const [one, two, three] = [await keep('1'), await keep('2'), await keep('3')]
    await store.patterns.keep(arriving({ bytes: bytes('4'), name: 'water' }))
    t.same(await names(store, {}), ['water', 'fire'])
    const { patterns, total } = await store.patterns.list({ versionsOf: one.pattern.id, limit: 2 })
    t.match(
      [total, ...patterns],
      [3, { version: 3, latest: true }, { version: 2, latest: false, versions: 3 }],
    )
    const rest = { versionsOf: one.pattern.id, before: two.pattern.id, limit: 9 }
    t.match((await store.patterns.list(rest)).patterns, [{ id: one.pattern.id, version: 1 }])

    const back = await keep('1')
    t.match(back, { created: false, pattern: { id: one.pattern.id, version: 4, latest: true } })
    t.match(await store.patterns.get(three.pattern.id), { version: 3, latest: false })
    t.match(
      await store.patterns.keep(arriving({ bytes: bytes('2'), name: 'other name' })),
      { created: false, pattern: { name: 'fire', version: 2, latest: false } },
      'under another name it stays what it was',
    )

    t.match(await store.patternLibrary.remove({ id: one.pattern.id, versions: 'one' }), {
      removed: 1,
      shown: { id: three.pattern.id },
    })
    t.match((await keep('5')).pattern, { version: 5 }, 'a number is not given twice')
    t.match(await store.patternLibrary.remove({ id: two.pattern.id, versions: 'all' }), {
      removed: 3,
      shown: null,
    })
    t.same(await names(store, {}), ['water'])
    t.match(
      (await keep('6')).pattern,
      { version: 1, versions: 1, tags: [] },
      'a name that is free begins anew',
    )
  },
)

t.test('a reading that is said takes the place of the one before, and silence keeps it', async t => {
  const store = await open(t)
  const said = {
    readingJson: '{"leds":75}',
    factsJson: '{"leds":75}',
    format: 'raw',
    thumbnail: bytes('png'),
  }
  const { pattern } = await store.patterns.keep(arriving(said))
  const { thumbnailSha } = pattern
  await store.patterns.keep(arriving({ factsJson: '{"leds":50}', thumbnail: bytes('other') }))
  t.match(await store.patterns.get(pattern.id), {
    readingJson: '{"leds":75}',
    factsJson: '{"leds":75}',
    thumbnailSha,
  })
  await store.patterns.keep(arriving({ ...said, readingJson: '{"leds":25}', thumbnail: bytes('third') }))
  const now = await store.patterns.get(pattern.id)
  t.match(now, { readingJson: '{"leds":25}' })
  t.not(now?.thumbnailSha, thumbnailSha)
})

t.test(
  'searches find parts of names, tags, file names and formats, without regard to case and marks',
  async t => {
    const store = await open(t)
    const keep = (name: string, more: object = {}) =>
      store.patterns.keep(arriving({ bytes: bytes(name), name, ...more }))
    await keep('Grüße aus Köln.leds', { format: 'leds', tags: ['weihnachten'] })
    await keep('100%_fire "hot".gif', { tags: ['warm'] })
    await keep('100 fires.std', { format: 'std', tags: ['warm', 'winter'] })
    const found = (text: string) => names(store, { text })
    t.same(await found('GRUSSE'), ['Grüße aus Köln.leds'])
    t.same(await found('köln'), ['Grüße aus Köln.leds'])
    t.same(await found('ö'), await found('o'), 'two characters and one, of which the index knows nothing')
    t.same(await found('nacht'), ['Grüße aus Köln.leds'], 'of a tag')
    t.same(await found('fire 100'), ['100 fires.std', '100%_fire "hot".gif'], 'each word, in any order')
    t.same(await found('0%_f'), ['100%_fire "hot".gif'], 'what LIKE would take for a wildcard')
    t.same(await found('%'), ['100%_fire "hot".gif'])
    t.same(await found('"hot"'), ['100%_fire "hot".gif'])
    t.same(await found('std'), ['100 fires.std'])
    t.same(await found('fire AND'), [])
    t.same(await found('fire*'), [])
    t.equal((await found('   ')).length, 3)
    t.same(await names(store, { tag: 'warm' }), ['100 fires.std', '100%_fire "hot".gif'])
    t.same(await names(store, { tag: 'warm', format: 'gif' }), ['100%_fire "hot".gif'])
    t.same(await names(store, { tag: 'war' }), [])
    const { total } = await store.patterns.list({ limit: 1, text: 'fire' })
    t.equal(total, 2)
  },
)

t.test(
  'no text that people search for breaks the search, and what is stored is found by any part of it',
  async t => {
    const db = openDatabase(`${t.testdir()}/gateway.db`, { busyTimeoutMs: 100 })
    t.teardown(() => db.close())
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(text, text, fc.nat(8), fc.integer({ min: 1, max: 6 }), (name, other, from, length) => {
        db.exec('BEGIN')
        try {
          patterns.keep.run(db, arriving({ bytes: bytes(name), name, id: newId(1) }))
          patterns.list.run(db, { limit: 5, text: other })
          const part = [...searchForm(name)]
            .slice(from, from + length)
            .join('')
            .trim()
          return part === '' || patterns.list.run(db, { limit: 5, text: part }).total === 1
        } finally {
          db.exec('ROLLBACK')
        }
      }),
      { numRuns: 300 },
    )
  },
)

t.test('a pattern is found by id, name, the start of its id, and loosely by its name', async t => {
  const store = await open(t)
  const id = (text: string) => patternId(text)
  const one = id('0190a3c2-1111-7000-8000-000000000001')
  const two = id('0190a3c2-2222-7000-8000-000000000002')
  await store.patterns.keep(arriving({ id: one, bytes: bytes('1'), name: 'Fire.leds' }))
  await store.patterns.keep(arriving({ id: two, bytes: bytes('2'), name: 'fire.gif' }))
  const find = async (text: string, how: 'exactly' | 'loosely' = 'loosely') =>
    (await store.patternLibrary.find(text, how)).map(pattern => pattern.id)
  t.same(await find(one), [one])
  t.same(await find(one.toUpperCase()), [one])
  t.same(await find('0190a3c2-1'), [one])
  t.same((await find('0190a3c2')).sort(), [one, two])
  t.same(await find('0190a3c3'), [])
  t.same(await find('Fire.leds', 'exactly'), [one])
  t.same(await find('FIRE.LEDS', 'exactly'), [])
  t.same(await find('FIRE.LEDS'), [one])
  t.same(await find('fire'), [two], 'the newest')
  t.same(await find('fir'), [])
})

t.test(
  'name and tags belong to all versions; a name that is taken and too many tags are refused',
  async t => {
    const store = await open(t)
    const { pattern: old } = await store.patterns.keep(arriving({ bytes: bytes('1'), name: 'fire' }))
    const { pattern } = await store.patterns.keep(arriving({ bytes: bytes('2'), name: 'fire' }))
    await store.patterns.keep(arriving({ bytes: bytes('3'), name: 'water' }))
    const { change } = store.patternLibrary
    t.match(await change({ id: old.id, name: 'ember', addTags: ['b', 'a', 'a'] }), {
      name: 'ember',
      tags: ['a', 'b'],
    })
    t.match(await store.patterns.get(pattern.id), { name: 'ember', tags: ['a', 'b'], fileName: 'fire' })
    t.match(await change({ id: old.id, tags: ['b', 'c'], dropTags: ['x'] }), { tags: ['b', 'c'] })
    t.same(await names(store, { text: 'ember' }), ['ember'])
    t.same(await names(store, { text: 'fire' }), ['ember'], 'the name of the file still finds it')
    t.same(await names(store, { tag: 'a' }), [])
    await t.rejects(change({ id: old.id, name: 'water' }), {
      code: 'conflict',
      message: /Choose another name/,
    })
    t.match(await change({ id: old.id, name: 'ember' }), { name: 'ember' })
    const many = Array.from({ length: 15 }, (_, n) => `t${n}`)
    await t.rejects(change({ id: old.id, addTags: many }), { code: 'usage', message: /at most 16 tags/ })
    t.match(await store.patterns.get(old.id), { tags: ['b', 'c'] }, 'nothing of it was done')
    await t.rejects(change({ id: newId(7), addTags: ['x'] }), { code: 'not_found' })
    const before = (await store.patterns.list({ limit: 9 })).total
    await t.rejects(
      store.patterns.keep(arriving({ bytes: bytes('9'), name: 'x', tags: [...many, 'y', 'z'] })),
      {
        code: 'usage',
      },
    )
    t.equal((await store.patterns.list({ limit: 9 })).total, before)
  },
)

t.test(
  'a pattern goes only when no unfinished job needs it, with the bytes that nothing else names',
  async t => {
    const store = await open(t)
    const board = boardId('0190a3c2-0000-7000-8000-00000000000b')
    await store.boards.seen({
      ...{ id: board, name: 'b', width: 0, height: 0, leds: 1, wiring: '', colorOrder: '', linkKind: '' },
      ...{ linkAddress: '', baudRate: null, bootId: 1, firmware: '', capsJson: '{}', nowMs: 1 },
    })
    const { pattern } = await store.patterns.keep(
      arriving({ bytes: bytes('source'), thumbnail: bytes('png') }),
    )
    const { sourceSha, thumbnailSha, id } = pattern
    const job = { id: jobId(uuidV7(2)), batchId: 'b', boardId: board, name: 'x', patternId: id, raw: false }
    await store.jobs.insert({ ...job, optionsJson: '{}', sourceSha, nowMs: 2 })
    const remove = () => store.patternLibrary.remove({ id, versions: 'one' })
    await t.rejects(remove(), {
      code: 'conflict',
      message: new RegExp(`job ${job.id} to board ${board} is queued\\.`),
      detail: { users: [{ kind: 'job', id: job.id, boardId: board, state: 'queued' }] },
    })
    t.ok(await store.patterns.get(id))
    await store.jobs.fail({ id: job.id, nowMs: 3, errorCode: 'cancelled', errorMessage: '' })
    t.match(await remove(), { removed: 1, shown: null })
    t.ok(await store.blobs.get(sourceSha), 'the job keeps its file')
    await t.rejects(store.blobs.get(thumbnailSha ?? ''), { code: 'not_found' })
    t.match(await store.jobs.get(job.id), { patternId: null })
    t.same(await names(store, { text: 'flame' }), [])
  },
)

t.test('a page of the library takes as many statements as it has parts, however long it is', async t => {
  const said: string[] = []
  const db = new Sqlite(':memory:', { verbose: sql => said.push(String(sql)) })
  t.teardown(() => db.close())
  migrate(db)
  const count = (limit: number, more: object = {}) => {
    said.length = 0
    const { patterns: found } = patterns.list.run(db, { limit, ...more })
    return [found.length, said.length]
  }
  for (let n = 0; n < 200; n++)
    patterns.keep.run(
      db,
      arriving({ id: newId(n), bytes: bytes(String(n)), name: `fire ${n % 100}`, tags: [`t${n % 5}`, 'x'] }),
    )
  t.same(count(1), [1, 2])
  t.same(count(100), [100, 2])
  t.same(count(100, { text: 'fire 1', tag: 't1' }), [20, 2])
  said.length = 0
  patternLibrary.find.run(db, 'FIRE 77', 'loosely')
  t.ok(said.length <= 4, `${said.length} statements for a name`)
})

t.test(
  'a database of before the library keeps its patterns: same bytes are one, same names are versions',
  async t => {
    const path = `${t.testdir()}/gateway.db`
    const former = new Sqlite(path)
    migrate(former, migrations.slice(0, 3))
    former.pragma('foreign_keys = ON')
    const put = former.prepare('INSERT INTO blobs (sha256, sizeBytes, storedMs, bytes) VALUES (?, ?, 1, ?)')
    const shas = ['a', 'b', 'c'].map(text => {
      put.run(sha256(bytes(text)), 1, bytes(text))
      return sha256(bytes(text))
    })
    const insert = former.prepare(
      'INSERT INTO patterns (id, name, sourceSha, sizeBytes, format, createdMs) VALUES (?, ?, ?, 1, ?, ?)',
    )
    insert.run('p1', 'Füchse.gif', shas[0], 'gif', 1)
    insert.run('p2', 'water.bin', shas[1], 'raw', 2)
    insert.run('p3', 'Füchse.gif', shas[2], 'gif', 3)
    insert.run('p4', 'Füchse.gif', shas[0], 'gif', 4)
    former.exec(`INSERT INTO boards (id, name, width, height, leds, wiring, colorOrder, linkKind, linkAddress, bootId,
    firmware, capsJson, firstSeenMs, lastSeenMs) VALUES ('b', 'b', 0, 0, 1, '', '', '', '', 1, '', '{}', 1, 1)`)
    const job =
      former.prepare(`INSERT INTO jobs (id, batchId, boardId, name, patternId, state, raw, optionsJson, sourceSha,
    createdMs, updatedMs, finishedMs) VALUES (?, 'x', 'b', 'x', ?, ?, ?, '{}', ?, 1, 1, ?)`)
    job.run('j1', 'p1', 'queued', 0, shas[0], null)
    job.run('j2', 'p2', 'cancelled', 1, shas[1], 2)
    former.close()

    const store = await openStore(path)
    t.equal((await store.database.info()).schemaVersion, schemaVersion)
    t.match((await store.patterns.list({ limit: 9 })).patterns, [
      {
        id: 'p4',
        name: 'Füchse.gif',
        version: 2,
        versions: 2,
        latest: true,
        raw: false,
        tags: [],
        thumbnailSha: null,
      },
      { id: 'p2', name: 'water.bin', version: 1, versions: 1, raw: true },
    ])
    t.match((await store.patterns.list({ limit: 9, versionsOf: patternId('p3') })).patterns, [
      { id: 'p4' },
      { id: 'p3', version: 1, latest: false },
    ])
    t.match(await store.patternLibrary.arrivals(patternId('p4')), [
      { fileName: 'Füchse.gif', door: 'unknown', who: null, arrivedMs: 4 },
      { fileName: 'Füchse.gif', door: 'unknown', who: null, arrivedMs: 1 },
    ])
    t.match(await store.jobs.get(jobId('j1')), { patternId: 'p4', state: 'queued' })
    t.same(await names(store, { text: 'fuchse' }), ['Füchse.gif'])
    t.match((await store.patterns.keep(arriving({ bytes: bytes('d'), name: 'Füchse.gif' }))).pattern, {
      version: 3,
    })
    await store.close()
    const db = new Sqlite(path, { readonly: true })
    t.teardown(() => db.close())
    const { rows } = verifyDatabase(db, path, () => undefined)
    t.match(rows, { patterns: 4, patternFamilies: 2, patternArrivals: 5 })
    t.notOk(
      Object.keys(rows).some(name => name.startsWith('patternSearch')),
      'an index is no record',
    )
  },
)

t.test(
  'a thumbnail that the disk has damaged is seen in a check, with the pattern it belongs to',
  async t => {
    const path = `${t.testdir()}/gateway.db`
    const db = openDatabase(path, { busyTimeoutMs: 100 })
    t.teardown(() => db.close())
    patterns.keep.run(db, arriving({ name: 'fire', thumbnail: bytes('a picture') }))
    db.prepare('UPDATE blobs SET bytes = ? WHERE sha256 = ?').run(
      bytes('another p'),
      sha256(bytes('a picture')),
    )
    t.throws(() => verifyDatabase(db, path, () => undefined), {
      message: /pattern "fire" changed on the disk/,
    })
  },
)

t.test('a large file goes from disk to disk part by part, is proved, and is mended like others', async t => {
  const folder = t.testdir()
  const path = join(folder, 'large')
  const large = Buffer.alloc(2_500_000, 'pixelgate')
  writeFileSync(path, large)
  const digest = createHash('sha256').update(large).digest('hex')
  const onDisk = { path, sizeBytes: large.length, sha256: digest }
  const store = await openStore(join(folder, 'gateway.db'))
  t.teardown(() => store.close())
  const kept = await store.patterns.keep(arriving({ bytes: onDisk }))
  t.match(kept, { created: true, pattern: { sourceSha: digest, sizeBytes: large.length } })
  t.ok(Buffer.from(await store.blobs.get(digest)).equals(large))
  t.match(await store.patterns.keep(arriving({ bytes: large })), { created: false })
  t.match(await store.patterns.keep(arriving({ bytes: onDisk })), { created: false })

  const db = new Sqlite(join(folder, 'gateway.db'))
  t.teardown(() => db.close())
  t.equal(db.prepare('SELECT count(*) FROM blobParts').pluck().get(), 3)
  const damage = (sql: string) => db.prepare(sql).run()
  for (const sql of [
    'UPDATE blobParts SET bytes = zeroblob(length(bytes)) WHERE part = 1',
    'DELETE FROM blobParts WHERE part = 2',
  ]) {
    damage(sql)
    await t.rejects(store.blobs.get(digest), { message: /damaged/ })
    t.throws(() => verifyDatabase(db, 'x', () => undefined), { message: /damaged/ })
    await store.patterns.keep(arriving({ bytes: onDisk }))
    t.ok(Buffer.from(await store.blobs.get(digest)).equals(large))
  }
  t.ok(verifyDatabase(db, 'x', () => undefined))
  damage('DELETE FROM blobParts WHERE part = 0')
  await store.blobs.put({ bytes: large, nowMs: 1 })
  t.ok(Buffer.from(await store.blobs.get(digest)).equals(large), 'mended by the bytes themselves')

  writeFileSync(path, 'another file by now')
  const other = { ...onDisk, sha256: createHash('sha256').update('x').digest('hex') }
  await t.rejects(store.patterns.keep(arriving({ bytes: other })), { code: 'storage_failed' })
  await store.patternLibrary.remove({ id: kept.pattern.id, versions: 'one' })
  t.equal(db.prepare('SELECT count(*) FROM blobParts').pluck().get(), 0)
})
