import type { Database } from 'better-sqlite3'
import type { PatternId } from '../../kernel/ids.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey, shaKeyOrNull } from '../sha256.ts'
import { blobs } from './blobs.ts'
import { familyNamed, indexFamily, tagFamily } from './pattern-families.ts'
import {
  isLatest,
  type PatternArrival,
  type PatternRecord,
  type PatternRow,
  patternColumns,
  patternSource,
  toPattern,
} from './pattern-record.ts'
import { searchCondition } from './pattern-search.ts'

/** A file that comes in. */
export interface ArrivingPattern
  extends PatternArrival,
    Pick<PatternRecord, 'id' | 'raw' | 'factsJson' | 'tags'> {
  readonly bytes: Uint8Array
  /** PNG; null: there is none. */
  readonly thumbnail: Uint8Array | null
  /** Of the family. */
  readonly name: string
}

export interface PatternFilter {
  /** All versions of this pattern's family instead of the newest of each. */
  readonly versionsOf?: PatternId | undefined
  readonly tag?: string | undefined
  readonly format?: string | undefined
  /** Words of which each is a part of names, tags or formats. */
  readonly text?: string | undefined
  /** Only what is older than this one; without it the newest. */
  readonly before?: PatternId | undefined
  readonly limit: number
}

export interface PatternPage {
  /** Newest first. */
  readonly patterns: readonly PatternRecord[]
  /** All that the filter admits, on this page or not. */
  readonly total: number
}

/** Arrivals that are kept of a pattern: the first and the newest others. */
const maxArrivals = 50

export function findRow(db: Database, where: string, value: unknown): PatternRow | undefined {
  const sql = `SELECT ${patternColumns} FROM ${patternSource} WHERE ${where}`
  return prepared<PatternRow>(db, sql).get(value)
}

const byId = (db: Database, id: string): PatternRow | undefined => findRow(db, 'p.id = ?', id)

export const patterns = {
  /**
   * Stores a file once. The same bytes again, to be read or raw as before, are the same pattern: what came is noted, and a
   * reading that is said takes the place of the old one. An older version that comes back under its name is the newest.
   */
  keep: write(
    (db, arriving: ArrivingPattern): { readonly pattern: PatternRecord; readonly created: boolean } => {
      const { bytes, thumbnail, arrivedMs: nowMs } = arriving
      const sourceSha = blobs.put.run(db, { bytes, nowMs })
      const thumbnailSha = thumbnail && blobs.put.run(db, { bytes: thumbnail, nowMs })
      const hashes = { sourceSha: shaKey(sourceSha), thumbnailSha: shaKeyOrNull(thumbnailSha) }
      const known = prepared<{ id: string }>(
        db,
        'SELECT id FROM patterns WHERE sourceSha = ? AND raw = ?',
      ).get(hashes.sourceSha, Number(arriving.raw))
      const row = known && byId(db, known.id)
      const id = row === undefined ? insert(db, arriving, hashes) : row.id
      if (row !== undefined) readAnew(db, row, arriving, hashes.thumbnailSha)
      noteArrival(db, id, arriving)
      const familyId = row?.familyId ?? byId(db, id)?.familyId ?? 0
      if (arriving.tags.length > 0) tagFamily(db, familyId, { add: arriving.tags })
      indexFamily(db, familyId)
      const pattern = byId(db, id)
      if (pattern === undefined) throw new Error('a pattern that was written is not there')
      return { pattern: toPattern(pattern), created: row === undefined }
    },
  ),

  get: read((db, id: PatternId): PatternRecord | undefined => {
    const row = byId(db, id)
    return row && toPattern(row)
  }),

  list: read((db, { versionsOf, text = '', ...filter }: PatternFilter): PatternPage => {
    const search = searchCondition(text)
    const conditions = [
      versionsOf === undefined
        ? isLatest
        : 'p.familyId = (SELECT own.familyId FROM patterns AS own WHERE own.id = @versionsOf)',
      ...(filter.tag === undefined
        ? []
        : ['EXISTS (SELECT 1 FROM patternTags AS t WHERE t.familyId = p.familyId AND t.tag = @tag)']),
      ...(filter.format === undefined ? [] : ['p.format = @format']),
      ...search.conditions,
    ].join(' AND ')
    const values = { ...filter, versionsOf, ...search.values }
    const older =
      filter.before === undefined ? '' : 'AND p.seq < (SELECT seq FROM patterns WHERE id = @before)'
    const page = `SELECT ${patternColumns} FROM ${patternSource} WHERE ${conditions} ${older} ORDER BY p.seq DESC LIMIT @limit`
    const count = `SELECT count(*) AS total FROM ${patternSource} WHERE ${conditions}`
    return {
      patterns: prepared<PatternRow>(db, page).all(values).map(toPattern),
      total: prepared<{ total: number }>(db, count).get(values)?.total ?? 0,
    }
  }),
}

function insert(
  db: Database,
  { fileName, name, arrivedMs, ...pattern }: ArrivingPattern,
  hashes: { readonly sourceSha: Buffer; readonly thumbnailSha: Buffer | null },
): string {
  const { familyId, version } = familyNamed(db, name)
  const { id, format, readingJson, factsJson } = pattern
  const sql = `INSERT INTO patterns
      (id, name, sourceSha, sizeBytes, format, createdMs, familyId, version, raw, readingJson, factsJson, thumbnailSha)
    VALUES (@id, @fileName, @sourceSha, @sizeBytes, @format, @arrivedMs, @familyId, @version, @raw, @readingJson,
      @factsJson, @thumbnailSha)`
  prepared(db, sql).run({
    ...{ id, fileName, format, arrivedMs, familyId, version, readingJson, factsJson },
    ...hashes,
    raw: Number(pattern.raw),
    sizeBytes: pattern.bytes.byteLength,
  })
  return id
}

/** A pattern that is there already, as it came in again. */
function readAnew(
  db: Database,
  { id, name, latest, readingJson }: PatternRow,
  arriving: ArrivingPattern,
  thumbnailSha: Buffer | null,
): void {
  const { format, factsJson } = arriving
  const said = arriving.readingJson !== '{}'
  // Without a word on how to read it, the file is read as before; what an older gateway did not look at is filled in.
  if (said || readingJson === '{}') {
    const sql = `UPDATE patterns SET readingJson = @readingJson, format = @format, factsJson = @factsJson,
        thumbnailSha = coalesce(@thumbnailSha, thumbnailSha) WHERE id = @id`
    prepared(db, sql).run({ id, format, factsJson, thumbnailSha, readingJson: arriving.readingJson })
  }
  if (latest === 1 || arriving.name !== name) return
  const raise = `UPDATE patterns SET seq = (SELECT max(seq) + 1 FROM patterns), version = @version WHERE id = @id`
  prepared(db, raise).run({ id, version: familyNamed(db, name).version })
}

function noteArrival(db: Database, patternId: string, arriving: ArrivingPattern): void {
  const { fileName, door, who, format, readingJson, arrivedMs } = arriving
  const sql = `INSERT INTO patternArrivals (patternId, fileName, door, who, format, readingJson, arrivedMs)
    VALUES (@patternId, @fileName, @door, @who, @format, @readingJson, @arrivedMs)`
  prepared(db, sql).run({ patternId, fileName, door, who, format, readingJson, arrivedMs })
  const trim = `DELETE FROM patternArrivals WHERE patternId = @patternId
    AND seq > (SELECT min(seq) FROM patternArrivals WHERE patternId = @patternId)
    AND seq <= (SELECT seq FROM patternArrivals WHERE patternId = @patternId ORDER BY seq DESC LIMIT 1 OFFSET @kept)`
  prepared(db, trim).run({ patternId, kept: maxArrivals - 1 })
}
