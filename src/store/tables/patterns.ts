import { type PatternId, patternId } from '../../kernel/ids.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey } from '../sha256.ts'

/** An uploaded pattern; its file is the blob `sourceSha`. */
export interface PatternRecord {
  readonly id: PatternId
  readonly name: string
  readonly sourceSha: string
  readonly sizeBytes: number
  readonly format: string
  readonly createdMs: number
}

export interface PatternPage {
  /** Newest first. */
  readonly patterns: readonly PatternRecord[]
  readonly total: number
}

interface PatternRow extends Omit<PatternRecord, 'id' | 'sourceSha'> {
  readonly id: string
  readonly sourceSha: Buffer
}

const columns = 'id, name, sourceSha, sizeBytes, format, createdMs'

const toPattern = (row: PatternRow): PatternRecord => ({
  ...row,
  id: patternId(row.id),
  sourceSha: row.sourceSha.toString('hex'),
})

export const patterns = {
  /** The blob must have been put before. */
  insert: write((db, pattern: PatternRecord): void => {
    const sql = `INSERT INTO patterns (${columns}) VALUES (@id, @name, @sourceSha, @sizeBytes, @format, @createdMs)`
    prepared(db, sql).run({ ...pattern, sourceSha: shaKey(pattern.sourceSha) })
  }),

  get: read((db, id: PatternId): PatternRecord | undefined => {
    const row = prepared<PatternRow>(db, `SELECT ${columns} FROM patterns WHERE id = ?`).get(id)
    return row && toPattern(row)
  }),

  /** A page of patterns older than `before`; without it the newest. */
  list: read((db, page: { readonly before?: PatternId; readonly limit: number }): PatternPage => {
    const older = page.before === undefined ? '' : 'WHERE seq < (SELECT seq FROM patterns WHERE id = @before)'
    const rows = prepared<PatternRow>(
      db,
      `SELECT ${columns} FROM patterns ${older} ORDER BY seq DESC LIMIT @limit`,
    ).all(page)
    const total = prepared<{ total: number }>(db, 'SELECT count(*) AS total FROM patterns').get()?.total ?? 0
    return { patterns: rows.map(toPattern), total }
  }),

  /** False when it was not there. Jobs keep their own copy of the source. */
  remove: write(
    (db, id: PatternId): boolean => prepared(db, 'DELETE FROM patterns WHERE id = ?').run(id).changes > 0,
  ),
}
