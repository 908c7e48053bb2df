import type { Database } from 'better-sqlite3'
import type { PatternId } from '../../kernel/ids.ts'
import { longRead, read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey, shaKeyOrNull } from '../sha256.ts'
import type { FileOnDisk } from './blob-parts.ts'
import { blobs, putFile } from './blobs.ts'
import { familyNamed, indexFamily, tagFamily } from './pattern-families.ts'
import { listPatterns, type PatternFilter, type PatternPage } from './pattern-list.ts'
import {
  type PatternArrival,
  type PatternRecord,
  type PatternRow,
  patternColumns,
  patternSource,
  toPattern,
} from './pattern-record.ts'

/** A file that comes in. */
export interface ArrivingPattern
  extends PatternArrival,
    Pick<PatternRecord, 'id' | 'raw' | 'factsJson' | 'tags'> {
  /** Or where they are, for the storage thread to read. */
  readonly bytes: Uint8Array | FileOnDisk
  /** PNG; null: there is none. */
  readonly thumbnail: Uint8Array | null
  /** Of the family. */
  readonly name: string
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
      const sourceSha =
        bytes instanceof Uint8Array ? blobs.put.run(db, { bytes, nowMs }) : putFile(db, bytes, nowMs)
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

  list: longRead((db, filter: PatternFilter): PatternPage => {
    const { page, count, values } = listPatterns(filter)
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
    sizeBytes: pattern.bytes instanceof Uint8Array ? pattern.bytes.byteLength : pattern.bytes.sizeBytes,
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
