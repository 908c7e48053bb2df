import { type PatternId, patternId } from '../../kernel/ids.ts'
import { shaHexOrNull } from '../sha256.ts'

/** How a file came in. `unknown`: before this was written down. */
export type Door = 'cli' | 'import' | 'panel' | 'api' | 'mqtt' | 'unknown'

/** A stored file. Files that came under one name are versions of one family, which has the name and the tags. */
export interface PatternRecord {
  readonly id: PatternId
  /** Of the family. */
  readonly name: string
  /** As it came in first. */
  readonly fileName: string
  /** From 1; the newest of a family has the highest. */
  readonly version: number
  /** The newest of its family. */
  readonly latest: boolean
  /** How many the family has. */
  readonly versions: number
  /** In alphabetical order. */
  readonly tags: readonly string[]
  /** Opaque bytes: sent as they are, not compiled. */
  readonly raw: boolean
  readonly sourceSha: string
  readonly sizeBytes: number
  readonly format: string
  /** How to read the file, as it was said when it came in; the upload module owns the shape. */
  readonly readingJson: string
  /** What is known of the reading; null: nothing, as of raw bytes. */
  readonly factsJson: string | null
  readonly thumbnailSha: string | null
  readonly createdMs: number
}

/** One time that a file came in. */
export interface PatternArrival {
  readonly fileName: string
  readonly door: Door
  /** Name of the person; null: not known. */
  readonly who: string | null
  readonly format: string
  readonly readingJson: string
  readonly arrivedMs: number
}

/** The row of a SELECT of `patternColumns` from `patternSource`. */
export interface PatternRow
  extends Omit<PatternRecord, 'id' | 'latest' | 'tags' | 'raw' | 'sourceSha' | 'thumbnailSha'> {
  readonly id: string
  readonly familyId: number
  readonly latest: number
  readonly tagsJson: string
  readonly raw: number
  readonly sourceSha: Buffer
  readonly thumbnailSha: Buffer | null
}

export const patternSource = 'patterns AS p JOIN patternFamilies AS f ON f.id = p.familyId'

/** Everything of a pattern, tags included, in one row: a page is one statement. */
export const patternColumns = `p.id, p.familyId, f.name, p.name AS fileName, p.version, p.latest,
  (SELECT count(*) FROM patterns AS o WHERE o.familyId = p.familyId) AS versions,
  (SELECT json_group_array(t.tag ORDER BY t.tag) FROM patternTags AS t WHERE t.familyId = p.familyId) AS tagsJson,
  p.raw, p.sourceSha, p.sizeBytes, p.format, p.readingJson, p.factsJson, p.thumbnailSha, p.createdMs`

export const toPattern = ({ familyId: _familyId, tagsJson, ...row }: PatternRow): PatternRecord => ({
  ...row,
  id: patternId(row.id),
  latest: row.latest === 1,
  tags: JSON.parse(tagsJson) as readonly string[],
  raw: row.raw === 1,
  sourceSha: row.sourceSha.toString('hex'),
  thumbnailSha: shaHexOrNull(row.thumbnailSha),
})
