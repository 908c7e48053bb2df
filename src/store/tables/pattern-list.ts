import type { PatternId } from '../../kernel/ids.ts'
import { type PatternRecord, patternColumns, patternSource } from './pattern-record.ts'
import { searchCondition } from './pattern-search.ts'

export interface PatternFilter {
  /** All versions of this pattern's family instead of the newest of each. */
  readonly versionsOf?: PatternId | undefined
  readonly tag?: string | undefined
  readonly format?: string | undefined
  /** Words of which each is a part of names, tags or formats. */
  readonly text?: string | undefined
  /** Only what is older than this one; without it the newest. */
  readonly before?: PatternId | undefined
  /** So many of them are left out first. */
  readonly skip?: number | undefined
  readonly limit: number
}

export interface PatternPage {
  /** Newest first. */
  readonly patterns: readonly PatternRecord[]
  /** All that the filter admits, on this page or not. */
  readonly total: number
}

/** The statements of one page and of its total. Each walks an index in the order of the list. */
export function listPatterns({ versionsOf, text = '', ...filter }: PatternFilter): {
  readonly page: string
  readonly count: string
  readonly values: Readonly<Record<string, unknown>>
} {
  const search = searchCondition(text)
  // A tag has the place of its family's newest version, so that its patterns come in their order without sorting.
  const byTag = versionsOf === undefined && filter.tag !== undefined
  const seq = byTag ? 't.seq' : 'p.seq'
  const ofPattern = [
    ...(filter.format === undefined ? [] : ['p.format = @format']),
    ...search.conditions,
    ...(versionsOf === undefined || filter.tag === undefined
      ? []
      : ['EXISTS (SELECT 1 FROM patternTags AS t WHERE t.familyId = p.familyId AND t.tag = @tag)']),
  ]
  const scope = byTag
    ? 't.tag = @tag'
    : versionsOf === undefined
      ? 'p.latest = 1'
      : 'p.familyId = (SELECT own.familyId FROM patterns AS own WHERE own.id = @versionsOf)'
  const where = [scope, ...ofPattern].join(' AND ')
  const older =
    filter.before === undefined ? '' : `AND ${seq} < (SELECT seq FROM patterns WHERE id = @before)`
  const tags = 'patternTags AS t CROSS JOIN patterns AS p ON p.seq = t.seq'
  const from = byTag ? `${tags} JOIN patternFamilies AS f ON f.id = p.familyId` : patternSource
  const counted = byTag ? (ofPattern.length === 0 ? 'patternTags AS t' : tags) : 'patterns AS p'
  return {
    page: `SELECT ${patternColumns} FROM ${from} WHERE ${where} ${older} ORDER BY ${seq} DESC LIMIT @limit OFFSET @skip`,
    count: `SELECT count(*) AS total FROM ${counted} WHERE ${where}`,
    values: { ...filter, versionsOf, skip: filter.skip ?? 0, ...search.values },
  }
}
