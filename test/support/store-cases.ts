import type { Database } from 'better-sqlite3'
import { boardId, jobId, patternId } from '../../src/kernel/ids.ts'
import { alerts } from '../../src/store/tables/alerts.ts'
import { boards } from '../../src/store/tables/boards.ts'
import { jobs } from '../../src/store/tables/jobs.ts'
import { messages } from '../../src/store/tables/messages.ts'
import { metricsMinutes } from '../../src/store/tables/metrics-minutes.ts'
import { mqttUsers } from '../../src/store/tables/mqtt-users.ts'
import { patternLibrary } from '../../src/store/tables/pattern-library.ts'
import { patterns } from '../../src/store/tables/patterns.ts'
import { rooms } from '../../src/store/tables/rooms.ts'
import { users } from '../../src/store/tables/users.ts'
import { idOf, kinds } from './large-database.ts'

/** One question to a database of `fillLarge`. */
export interface StoreCase {
  /** Operation, and what is asked. */
  readonly name: string
  ask(db: Database): unknown
  /** Why it may look at every row, or sort; left out: it must not. */
  readonly scans?: string
}

const limit = 20

/** Every list, filter and search that the gateway asks for; `n` varies what is asked. */
export function storeCases(rows: number, n = 0): readonly StoreCase[] {
  const board = boardId(idOf(kinds.board, n % 20))
  const batchId = idOf(kinds.batch, n)
  const pattern = patternId(idOf(kinds.pattern, n))
  const middle = jobId(idOf(kinds.job, Math.floor(rows / 2) + n))
  const middlePattern = patternId(idOf(kinds.pattern, 2 * Math.floor(rows / 4) + 1))
  const viewer = idOf(kinds.user, 1)
  const common = idOf(kinds.room, 0)
  const jobList = (name: string, filter: Omit<Parameters<typeof jobs.list.run>[1], 'limit'>): StoreCase => ({
    name: `jobs.list ${name}`,
    ask: db => jobs.list.run(db, { ...filter, limit }),
  })
  const patternList = (
    name: string,
    filter: Omit<Parameters<typeof patterns.list.run>[1], 'limit'>,
    scans?: string,
  ): StoreCase => ({
    name: `patterns.list ${name}`,
    ask: db => patterns.list.run(db, { ...filter, limit }),
    ...(scans !== undefined && { scans }),
  })
  return [
    jobList('of all', {}),
    jobList('older ones', { before: middle }),
    jobList('of a board', { boardId: board }),
    jobList('of a board, older ones', { boardId: board, before: middle }),
    jobList('of a state', { states: ['failed'] }),
    jobList('of two states', { states: ['failed', 'cancelled'] }),
    jobList('unfinished', { states: ['queued', 'waiting', 'transferring', 'verifying', 'trial', 'paused'] }),
    jobList('of a board and a state', { boardId: board, states: ['failed'] }),
    jobList('of a board and two states', { boardId: board, states: ['failed', 'done'] }),
    jobList('of a batch', { batchId }),
    jobList('of a pattern', { patternId: pattern }),
    jobList('of a pattern and a state', { patternId: pattern, states: ['failed'] }),
    jobList('of a pattern and a board', { patternId: pattern, boardId: board }),
    {
      name: 'jobs.unfinished',
      ask: db => jobs.unfinished.run(db),
      scans: 'there are a thousand unfinished ones at most, which are sorted',
    },
    { name: 'jobs.events', ask: db => jobs.events.run(db, { id: middle }) },
    { name: 'jobs.imagesOf', ask: db => jobs.imagesOf.run(db, { boardId: board, patternId: pattern }) },
    { name: 'jobs.ofImage', ask: db => jobs.ofImage.run(db, 'none') },
    patternList('of all', {}),
    patternList('older ones', { before: middlePattern }),
    patternList('of a tag', { tag: 'tag3' }),
    patternList('of a tag, older ones', { tag: 'tag3', before: middlePattern }),
    patternList('of a format', { format: 'gif' }),
    patternList('of a tag and a format', { tag: 'tag3', format: 'gif' }),
    patternList('versions of one', { versionsOf: pattern }),
    patternList('with a word', { text: `pattern ${1000 + n}` }, 'what was found is sorted by age'),
    patternList('with a word of two letters', { text: 'ag' }, 'two letters are in no index of trigrams'),
    { name: 'patternLibrary.find by id', ask: db => patternLibrary.find.run(db, pattern, 'exactly') },
    {
      name: 'patternLibrary.find by name',
      ask: db => patternLibrary.find.run(db, `pattern ${n}`, 'exactly'),
    },
    {
      name: 'patternLibrary.find loosely',
      ask: db => patternLibrary.find.run(db, 'PATTERN 77', 'loosely'),
      scans: 'names are compared without case and marks, which no index of SQLite can',
    },
    { name: 'patternLibrary.arrivals', ask: db => patternLibrary.arrivals.run(db, pattern) },
    { name: 'messages.page', ask: db => messages.page.run(db, { roomId: common, viewer, limit: 50 }) },
    {
      name: 'messages.page, older ones',
      ask: db =>
        messages.page.run(db, { roomId: common, viewer, limit: 50, before: idOf(kinds.message, rows / 2) }),
    },
    {
      name: 'messages.border by count',
      ask: db => messages.border.run(db, { roomId: common, keep: 1000 }),
    },
    {
      name: 'messages.border by size',
      ask: db => messages.border.run(db, { roomId: common, keep: 1000, keepBytes: 1_000_000 }),
      scans: 'the sizes of all messages of a room are added up, once an hour at most',
    },
    { name: 'boards.list', ask: db => boards.list.run(db) },
    { name: 'users.list', ask: db => users.list.run(db) },
    { name: 'mqttUsers.list', ask: db => mqttUsers.list.run(db) },
    { name: 'rooms.list', ask: db => rooms.list.run(db, viewer) },
    { name: 'alerts.list', ask: db => alerts.list.run(db) },
    {
      name: 'metricsMinutes.between an hour',
      ask: db => metricsMinutes.between.run(db, { fromMs: 60_000 * n, toMs: 60_000 * (n + 60) }),
    },
  ]
}
