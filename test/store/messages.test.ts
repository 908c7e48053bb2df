import assert from 'node:assert/strict'
import Sqlite, { type Database } from 'better-sqlite3'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { migrate, migrations } from '../../src/store/migrations.ts'
import { messages } from '../../src/store/tables/messages.ts'
import { rooms } from '../../src/store/tables/rooms.ts'

const roomIds = ['hall', 'bar', 'yard']
let posted = 0

function post(db: Database, roomId: string): void {
  db.prepare(
    `INSERT INTO messages (id, roomId, kind, text, createdMs) VALUES (?, ?, 'text', 'light', 0)`,
  ).run(`m${++posted}`, roomId)
}

function withRooms(t: Test, steps: readonly string[]): Database {
  const db = new Sqlite(':memory:')
  t.teardown(() => db.close())
  db.pragma('foreign_keys = ON')
  migrate(db, steps)
  for (const id of roomIds) addRoom(db, id)
  return db
}

const addRoom = (db: Database, id: string): unknown =>
  db.prepare(`INSERT INTO rooms (id, name, kind, createdMs) VALUES (?, ?, 'group', 0)`).run(id, id)

/** What a page says of each room, and what a count of its messages says; undefined: there is no such room. */
const totals = (db: Database): unknown =>
  roomIds.map(roomId => messages.page.run(db, { roomId, viewer: null, limit: 1 })?.total)
const counts = (db: Database): unknown =>
  roomIds.map(roomId =>
    db
      .prepare('SELECT (SELECT count(*) FROM messages WHERE roomId = rooms.id) FROM rooms WHERE id = ?')
      .pluck()
      .get(roomId),
  )

t.test('a database of before learns how many messages its rooms have', async t => {
  const step = migrations.findIndex(sql => sql.includes('TRIGGER messagesComeIn'))
  const db = withRooms(t, migrations.slice(0, step))
  for (let n = 0; n < 300; n++) post(db, n % 3 === 0 ? 'bar' : 'hall')
  migrate(db)
  t.same(totals(db), [200, 100, 0])
  post(db, 'yard')
  t.same(totals(db), [200, 100, 1])
})

t.test('a page knows the number of messages whatever came, was pruned, or went with its room', async t => {
  const db = withRooms(t, migrations)
  const room = fc.constantFrom(...roomIds)
  const change = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('post' as const), room }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('prune' as const), room, keep: fc.nat(4), limit: fc.nat(5) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), room }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('undone' as const), room }) },
  )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), changes => {
      for (const of of changes) {
        if (of.kind === 'remove') {
          rooms.remove.run(db, of.room)
          addRoom(db, of.room)
        } else if (of.kind === 'prune') {
          const seq = messages.border.run(db, { roomId: of.room, keep: of.keep })
          if (seq !== undefined) messages.removeUpTo.run(db, { roomId: of.room, seq, limit: of.limit })
        } else if (of.kind === 'post') post(db, of.room)
        else {
          db.exec('BEGIN')
          post(db, of.room)
          db.exec('ROLLBACK')
        }
        assert.deepEqual(totals(db), counts(db))
      }
    }),
    { numRuns: 50 },
  )
  t.ok(posted > 100, `${posted} messages were posted`)
})

t.test('no page counts the messages of its room', async t => {
  const db = withRooms(t, migrations)
  for (let n = 0; n < 100; n++) post(db, 'hall')
  const statements: string[] = []
  const prepare = db.prepare.bind(db)
  db.prepare = ((sql: string) => {
    statements.push(sql)
    return prepare(sql)
  }) as Database['prepare']
  t.equal(messages.page.run(db, { roomId: 'hall', viewer: null, limit: 5 })?.total, 100)
  t.ok(statements.length > 0)
  for (const sql of statements) t.notMatch(sql, /count\(/)
})
