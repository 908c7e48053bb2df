import Sqlite, { type Database } from 'better-sqlite3'
import { openDatabase } from '../../src/store/open-database.ts'

/** Ids that the tests ask for. */
export const idOf = (kind: number, n: number): string =>
  `0198${kind.toString(16).padStart(4, '0')}-0000-7000-8000-${n.toString(16).padStart(12, '0')}`

/** `0198000k-0000-7000-8000-…` of the number in the column `n`. */
const idSql = (kind: number): string =>
  `'0198${kind.toString(16).padStart(4, '0')}-0000-7000-8000-' || printf('%012x', n)`

export const kinds = {
  board: 1,
  pattern: 2,
  job: 3,
  batch: 4,
  user: 5,
  room: 6,
  message: 7,
  alert: 8,
} as const

const numbers =
  'WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < @rows - 1)'

export interface LargeOptions {
  readonly rows: number
  /** 20 */
  readonly boards?: number
  /** 100 */
  readonly users?: number
  /** 10; each with three members */
  readonly rooms?: number
}

/**
 * A database with so many patterns (a quarter of them in families of their own), jobs, messages and rows of every other
 * list. Made in SQL, since a hundred thousand calls would take minutes.
 */
export function fillLarge(path: string, options: LargeOptions): void {
  const db = openDatabase(path, { busyTimeoutMs: 200 })
  db.pragma('synchronous = OFF')
  db.transaction(() => fill(db, options)).immediate()
  db.exec('ANALYZE')
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
}

function fill(db: Database, { rows, boards = 20, users = 100, rooms = 10 }: LargeOptions): void {
  const run = (sql: string, count = rows): void => void db.prepare(sql).run({ rows: count })
  run(
    `${numbers} INSERT INTO boards (id, name, width, height, leds, wiring, colorOrder, linkKind, linkAddress, bootId,
      firmware, capsJson, firstSeenMs, lastSeenMs)
    SELECT ${idSql(kinds.board)}, 'board ' || n, 8, 8, 64, 'rows', 'grb', 'serial', '/dev/ttyUSB' || n, 1, '1.0', '{}', n, n
    FROM numbers`,
    boards,
  )
  run(
    `${numbers} INSERT INTO blobs (sha256, sizeBytes, storedMs, bytes)
    SELECT unhex(printf('%064x', n)), 1, n, x'00' FROM numbers`,
  )
  run(
    `${numbers} INSERT INTO patternFamilies (name, versions) SELECT 'pattern ' || n, 2 FROM numbers`,
    rows / 2,
  )
  run(
    `${numbers} INSERT INTO patterns (id, name, sourceSha, sizeBytes, format, createdMs, familyId, version)
    SELECT ${idSql(kinds.pattern)}, 'pattern ' || n || '.gif', unhex(printf('%064x', n)), 1000,
      CASE n % 10 WHEN 0 THEN 'png' ELSE 'gif' END, n, 1 + n / 2, 1 + n % 2 FROM numbers`,
  )
  run(
    `${numbers} INSERT INTO patternTags (familyId, tag) SELECT 1 + n, 'tag' || (n % 20) FROM numbers`,
    rows / 2,
  )
  run(
    `${numbers} INSERT INTO patternSearch (rowid, text) SELECT 1 + n, 'pattern ' || n || ' tag' || (n % 20) || ' gif'
    FROM numbers`,
    rows / 2,
  )
  run(
    `${numbers} INSERT INTO jobs (id, batchId, boardId, name, patternId, state, raw, optionsJson, createdMs, updatedMs,
      finishedMs, digestValue)
    SELECT ${idSql(kinds.job)}, '0198${kinds.batch.toString(16).padStart(4, '0')}-0000-7000-8000-' || printf('%012x', n / 4),
      '01980001-0000-7000-8000-' || printf('%012x', n % ${boards}), 'pattern ' || n,
      '01980002-0000-7000-8000-' || printf('%012x', n % (@rows / 10)),
      CASE WHEN n > @rows - 100 THEN 'queued' WHEN n % 10 = 0 THEN 'failed' WHEN n % 50 = 1 THEN 'cancelled' ELSE 'done' END,
      0, '{}', n, n, CASE WHEN n > @rows - 100 THEN NULL ELSE n END, 'x' FROM numbers`,
  )
  run(
    `${numbers} INSERT INTO users (id, name, role, passwordHash, createdMs)
    SELECT ${idSql(kinds.user)}, 'user ' || n, 'operator', 'x', n FROM numbers`,
    users,
  )
  run(
    `${numbers} INSERT INTO rooms (id, name, kind, createdMs)
    SELECT ${idSql(kinds.room)}, 'room ' || n, CASE n WHEN 0 THEN 'common' ELSE 'group' END, n FROM numbers`,
    rooms,
  )
  run(
    `${numbers} INSERT INTO roomMembers (roomId, userId, joinedMs)
    SELECT '01980006-0000-7000-8000-' || printf('%012x', 1 + n / 3), '01980005-0000-7000-8000-' || printf('%012x', n % 3), n
    FROM numbers`,
    (rooms - 1) * 3,
  )
  run(
    `${numbers} INSERT INTO messages (id, roomId, author, authorId, kind, text, createdMs)
    SELECT ${idSql(kinds.message)}, '01980006-0000-7000-8000-' || printf('%012x', (n % 20) / 19), 'user 1',
      '01980005-0000-7000-8000-000000000001', 'text', 'message ' || n, n FROM numbers`,
  )
  run(
    `${numbers} INSERT INTO metricsMinutes (ts, valuesJson) SELECT n * 60000, '{"rssBytes":1}' FROM numbers`,
    Math.min(rows, 10_080),
  )
  run(
    `${numbers} INSERT INTO alerts (id, code, subject, severity, message, raisedMs, clearedMs)
    SELECT ${idSql(kinds.alert)}, 'slow_answers', 'api', 'WARNING', 'slow', n, n FROM numbers`,
    Math.min(rows, 1000),
  )
}

/** A second connection that only looks, for plans and timings; `asked` hears of the text of each statement. */
export function lookInto(path: string, asked?: (sql: string) => void): Database {
  const db = new Sqlite(path, { readonly: true })
  if (asked === undefined) return db
  const prepare = db.prepare.bind(db)
  db.prepare = ((sql: string) => {
    asked(sql)
    return prepare(sql)
  }) as typeof db.prepare
  return db
}
