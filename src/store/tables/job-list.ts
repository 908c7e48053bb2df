import type { BoardId, JobId, PatternId } from '../../kernel/ids.ts'
import { type JobRecord, type JobState, jobColumns } from './job-record.ts'

export interface JobFilter {
  readonly boardId?: BoardId | undefined
  readonly batchId?: string | undefined
  readonly patternId?: PatternId | undefined
  readonly states?: readonly JobState[] | undefined
  /** Only jobs older than this one; without it the newest. */
  readonly before?: JobId | undefined
  /** So many of them are left out first. */
  readonly skip?: number | undefined
  readonly limit: number
}

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly JobRecord[]
  /** All jobs that the filter admits, on this page or not. */
  readonly total: number
}

/**
 * The statements of one page and of its total. Several states are several walks of an index in its order, of which the newest are
 * taken: one walk with `IN` would sort every job of these states.
 */
export function listJobs({ states, ...filter }: JobFilter): {
  readonly page: string
  readonly count: string
  readonly values: Readonly<Record<string, unknown>>
} {
  const conditions = [
    ...(filter.boardId === undefined ? [] : ['boardId = @boardId']),
    ...(filter.batchId === undefined ? [] : ['batchId = @batchId']),
    ...(filter.patternId === undefined ? [] : ['patternId = @patternId']),
  ]
  const older = filter.before === undefined ? [] : ['seq < (SELECT seq FROM jobs WHERE id = @before)']
  const wanted = states === undefined ? undefined : [...new Set(states)]
  const values = {
    ...filter,
    skip: filter.skip ?? 0,
    most: filter.limit + (filter.skip ?? 0),
    ...Object.fromEntries((wanted ?? []).map((state, at) => [`state${at}`, state])),
  }
  const where = (...more: readonly string[]) => {
    const all = [...conditions, ...more]
    return all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`
  }
  if (wanted?.length === 0)
    return { page: `SELECT ${jobColumns} FROM jobs WHERE FALSE`, count: 'SELECT 0 AS total', values }
  const ofStates = wanted?.map((_, at) => `state = @state${at}`) ?? []
  if (ofStates.length < 2) {
    return {
      page: `SELECT ${jobColumns} FROM jobs ${where(...ofStates, ...older)} ORDER BY seq DESC LIMIT @limit OFFSET @skip`,
      count: `SELECT count(*) AS total FROM jobs ${where(...ofStates)}`,
      values,
    }
  }
  const walks = ofStates.map(
    state => `SELECT * FROM (SELECT seq FROM jobs ${where(state, ...older)} ORDER BY seq DESC LIMIT @most)`,
  )
  const counts = ofStates.map(state => `(SELECT count(*) FROM jobs ${where(state)})`)
  return {
    page: `SELECT ${jobColumns} FROM jobs WHERE seq IN (${walks.join(' UNION ALL ')}) ORDER BY seq DESC LIMIT @limit OFFSET @skip`,
    count: `SELECT ${counts.join(' + ')} AS total`,
    values,
  }
}
