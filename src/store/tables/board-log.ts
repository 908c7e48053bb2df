import type { BoardId } from '../../kernel/ids.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

/** A line of what happened to a board, before it has its number. */
export interface NewBoardLogEntry {
  readonly boardId: BoardId
  /** Whoever writes it owns the words. */
  readonly kind: string
  readonly message: string
  readonly who: string | null
  readonly door: string | null
  readonly detailJson: string | null
  readonly atMs: number
}

export interface BoardLogRecord extends NewBoardLogEntry {
  /** In order of writing, whatever the clock did. */
  readonly seq: number
}

export interface BoardLogQuery {
  readonly boardId: BoardId
  /** Only what was written before this one. */
  readonly before?: number | undefined
  readonly sinceMs?: number | undefined
  readonly kinds?: readonly string[] | undefined
  readonly skip: number
  readonly limit: number
}

export interface BoardLogPage {
  /** Newest first. */
  readonly entries: readonly BoardLogRecord[]
  /** All that the query admits, on this page or not. */
  readonly total: number
}

const columns = 'boardId, kind, message, who, door, detailJson, atMs'

/** The newest entry of a board that is too much. */
const borderSql = 'SELECT seq FROM boardLog WHERE boardId = @boardId ORDER BY seq DESC LIMIT 1 OFFSET @keep'

export const boardLog = {
  /** Keeps the newest `keep` of each board. What is said of a board that was forgotten meanwhile is left out. */
  add: write((db, batch: { readonly entries: readonly NewBoardLogEntry[]; readonly keep: number }): void => {
    const insert = prepared(
      db,
      `INSERT INTO boardLog (${columns}) SELECT @boardId, @kind, @message, @who, @door, @detailJson, @atMs
         WHERE EXISTS (SELECT 1 FROM boards WHERE id = @boardId)`,
    )
    for (const entry of batch.entries) insert.run(entry)
    const drop = prepared(db, `DELETE FROM boardLog WHERE boardId = @boardId AND seq <= (${borderSql})`)
    for (const boardId of new Set(batch.entries.map(entry => entry.boardId)))
      drop.run({ boardId, keep: batch.keep })
  }),

  page: read((db, query: BoardLogQuery): BoardLogPage => {
    const { kinds, before, sinceMs, ...rest } = query
    const conditions = ['boardId = @boardId']
    if (sinceMs !== undefined) conditions.push('atMs >= @sinceMs')
    if (kinds !== undefined) conditions.push('kind IN (SELECT value FROM json_each(@kindsJson))')
    const where = conditions.join(' AND ')
    const values = {
      ...rest,
      before: before ?? null,
      sinceMs: sinceMs ?? null,
      kindsJson: JSON.stringify(kinds ?? []),
    }
    const older = before === undefined ? '' : 'AND seq < @before'
    const page = `SELECT seq, ${columns} FROM boardLog WHERE ${where} ${older} ORDER BY seq DESC LIMIT @limit OFFSET @skip`
    const count = `SELECT count(*) AS total FROM boardLog WHERE ${where}`
    return {
      entries: prepared<BoardLogRecord>(db, page).all(values),
      total: prepared<{ total: number }>(db, count).get(values)?.total ?? 0,
    }
  }),
}
