import type { LiveFilter } from '../wire/live.ts'

type Words = string | readonly string[]

const fits = (wanted: Words | undefined, said: unknown): boolean =>
  wanted === undefined || (typeof wanted === 'string' ? wanted === said : wanted.includes(said as string))

/** Whether a message is among those that were asked for. Of a board or a job the own id counts as its `boardId` or `jobId`. */
export function matches(filter: LiveFilter | undefined, type: string, data: unknown): boolean {
  if (filter === undefined) return true
  const said = (typeof data === 'object' && data !== null ? data : {}) as Readonly<Record<string, unknown>>
  return (
    fits(filter.types, type) &&
    fits(filter.boardId, type === 'board' ? said['id'] : said['boardId']) &&
    fits(filter.jobId, type === 'job' ? said['id'] : said['jobId']) &&
    fits(filter.state, said['state']) &&
    fits(filter.severity, said['severity']) &&
    fits(filter.code, said['code'])
  )
}
