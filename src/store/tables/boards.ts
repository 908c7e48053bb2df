import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import { type BoardId, boardId } from '../../kernel/ids.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { unfinishedStates } from './job-record.ts'

/** A board as the gateway remembers it. */
export interface BoardRecord {
  readonly id: BoardId
  readonly name: string
  /** LEDs across and down; 0: not a matrix. */
  readonly width: number
  readonly height: number
  readonly leds: number
  /** How the strip runs through the matrix; the pattern module owns the words. */
  readonly wiring: string
  /** Where its LEDs sit, instead of wiring; null: it has no layout. */
  readonly layoutJson: string | null
  readonly colorOrder: string
  /** Highest current the pattern may draw; null: the board's own limit holds. */
  readonly powerCapMa: number | null
  readonly linkKind: string
  /** Path of the port, or host and port. */
  readonly linkAddress: string
  readonly baudRate: number | null
  readonly bootId: number
  readonly firmware: string
  readonly capsJson: string
  /** Generation of the last upload (SPEC §9.1); 0: none yet. */
  readonly generation: number
  readonly quarantined: boolean
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

/** What a handshake tells. `name`, `wiring` and `colorOrder` count at the first meeting only: then they are the user's. */
export interface SeenBoard
  extends Omit<
    BoardRecord,
    'layoutJson' | 'powerCapMa' | 'generation' | 'quarantined' | 'firstSeenMs' | 'lastSeenMs'
  > {
  readonly nowMs: number
}

export interface BoardProfile {
  readonly id: BoardId
  /** Left out: as it is. */
  readonly name?: string | undefined
  readonly width: number
  readonly height: number
  readonly wiring: string
  readonly layoutJson: string | null
  readonly colorOrder: string
  readonly powerCapMa: number | null
}

/** What a list is chosen from: small, however large the layouts are. */
export type BoardTitle = Pick<BoardRecord, 'id' | 'name' | 'linkAddress' | 'firmware'>

/** Jobs that keep a board from being forgotten; undefined: there is no such board. */
export type Forgotten = { readonly unfinishedJobs: number } | undefined

interface BoardRow extends Omit<BoardRecord, 'id' | 'quarantined'> {
  readonly id: string
  readonly quarantined: number
}

const unfinished = unfinishedStates.map(state => `'${state}'`).join(', ')

const toBoard = (row: BoardRow): BoardRecord => ({
  ...row,
  id: boardId(row.id),
  quarantined: row.quarantined === 1,
})

function find(db: Database, id: BoardId): BoardRecord | undefined {
  const row = prepared<BoardRow>(db, 'SELECT * FROM boards WHERE id = ?').get(id)
  return row && toBoard(row)
}

function must<T>(found: T | undefined, id: BoardId): T {
  if (found !== undefined) return found
  throw new AppError('not_found', `no board has the id ${id}`, { detail: { boardId: id } })
}

/** An UPDATE of one board, which returns the board as it now stands. */
const update = <Change extends { readonly id: BoardId }>(assignments: string) =>
  write((db, change: Change): BoardRecord => {
    prepared(db, `UPDATE boards SET ${assignments} WHERE id = @id`).run(change)
    return must(find(db, change.id), change.id)
  })

/** A board that reports no matrix does not undo the geometry that the user gave it, and none undoes a layout. */
const upsertSeen = `
  INSERT INTO boards (id, name, width, height, leds, wiring, colorOrder, linkKind, linkAddress, baudRate, bootId,
    firmware, capsJson, firstSeenMs, lastSeenMs)
  VALUES (@id, @name, @width, @height, @leds, @wiring, @colorOrder, @linkKind, @linkAddress, @baudRate, @bootId,
    @firmware, @capsJson, @nowMs, @nowMs)
  ON CONFLICT (id) DO UPDATE SET
    width = iif(excluded.width > 0 AND layoutJson IS NULL, excluded.width, width),
    height = iif(excluded.width > 0 AND layoutJson IS NULL, excluded.height, height),
    leds = excluded.leds, linkKind = excluded.linkKind, linkAddress = excluded.linkAddress,
    baudRate = excluded.baudRate, bootId = excluded.bootId, firmware = excluded.firmware,
    capsJson = excluded.capsJson, lastSeenMs = excluded.lastSeenMs`

export const boards = {
  /** Records a handshake and returns the board as it now stands. */
  seen: write((db, board: SeenBoard): BoardRecord => {
    prepared(db, upsertSeen).run(board)
    return must(find(db, board.id), board.id)
  }),

  get: read((db, id: BoardId): BoardRecord | undefined => find(db, id)),

  list: read((db): BoardRecord[] =>
    prepared<BoardRow>(db, 'SELECT * FROM boards ORDER BY name, id').all().map(toBoard),
  ),

  /** In the order of `list`. */
  titles: read((db): readonly BoardTitle[] =>
    prepared<BoardTitle>(db, 'SELECT id, name, linkAddress, firmware FROM boards ORDER BY name, id').all(),
  ),

  /** Those of them that are there, in the order of `list`. */
  some: read((db, ids: readonly BoardId[]): readonly BoardRecord[] => {
    const sql = 'SELECT * FROM boards WHERE id IN (SELECT value FROM json_each(?)) ORDER BY name, id'
    return prepared<BoardRow>(db, sql).all(JSON.stringify(ids)).map(toBoard)
  }),

  /** Boards with this id or name; where there is none, those whose id begins so (four digits at least). */
  named: read((db, text: string): readonly BoardRecord[] => {
    const id = text.toLowerCase()
    const exact = prepared<BoardRow>(db, 'SELECT * FROM boards WHERE id = ? OR name = ?').all(id, text)
    if (exact.length > 0 || id.length < 4) return exact.map(toBoard)
    const begins =
      "SELECT * FROM boards WHERE id BETWEEN @id AND @id || 'g' AND substr(id, 1, length(@id)) = @id"
    return prepared<BoardRow>(db, begins).all({ id }).map(toBoard)
  }),

  rename: update<{ readonly id: BoardId; readonly name: string }>('name = @name'),

  setProfile: write((db, { name, ...profile }: BoardProfile): BoardRecord => {
    const sql = `UPDATE boards SET name = coalesce(@name, name), width = @width, height = @height, wiring = @wiring,
      layoutJson = @layoutJson, colorOrder = @colorOrder, powerCapMa = @powerCapMa WHERE id = @id`
    prepared(db, sql).run({ name: name ?? null, ...profile })
    return must(find(db, profile.id), profile.id)
  }),

  /** Removes the board with its finished jobs, its keys and its log, unless jobs of it are unfinished. */
  forget: write((db, id: BoardId): Forgotten => {
    const sql = `SELECT count(*) AS count FROM jobs WHERE boardId = ? AND state IN (${unfinished})`
    const unfinishedJobs = prepared<{ count: number }>(db, sql).get(id)?.count ?? 0
    if (unfinishedJobs > 0) return { unfinishedJobs }
    prepared(db, 'DELETE FROM jobs WHERE boardId = ?').run(id)
    const { changes } = prepared(db, 'DELETE FROM boards WHERE id = ?').run(id)
    return changes === 0 ? undefined : { unfinishedJobs }
  }),

  quarantine: update<{ readonly id: BoardId }>('quarantined = 1'),

  release: update<{ readonly id: BoardId }>('quarantined = 0'),

  /** The generation of the next upload to this board: one above the last, never given out twice. */
  nextGeneration: write((db, id: BoardId): number => {
    const sql = 'UPDATE boards SET generation = generation + 1 WHERE id = ? RETURNING generation'
    return must(prepared<{ generation: number }>(db, sql).get(id), id).generation
  }),

  /** The board has seen this one already: a database that was restored gives out none below it. */
  raiseGeneration: write(
    (db, { id, generation }: { readonly id: BoardId; readonly generation: number }): void => {
      prepared(db, 'UPDATE boards SET generation = max(generation, ?) WHERE id = ?').run(generation, id)
    },
  ),
}
