import { lineShare, parseStats } from '../upload/run-stats.ts'
import type { JobRecord } from '../upload/uploads.ts'
import { bytesText, countText, durationText, listText } from './quantities.ts'

/** Failures that are told with their reason; the others are counted. */
const maxReasons = 5

/**
 * What has become of the jobs of one upload, in a few lines. All jobs have ended; `waiting` others have not.
 */
export function jobReport(
  jobs: readonly JobRecord[],
  nameOf: (boardId: string) => string,
  waiting = 0,
): string {
  const [first] = jobs
  if (first === undefined) return ''
  const later = waiting === 0 ? '' : `\n${countText(waiting, 'board')} still to come.`
  if (jobs.length === 1) return oneJob(first, nameOf(first.boardId)) + later
  const inState = (state: JobRecord['state']) => jobs.filter(job => job.state === state)
  const done = inState('done')
  const failed = inState('failed')
  const cancelled = inState('cancelled')
  const names = (some: readonly JobRecord[]) => listText(some.map(({ boardId }) => nameOf(boardId)))
  const lines = [
    ...(done.length > 0 ? [`done on ${names(done)}: ${cost(done)}`] : []),
    ...failed
      .slice(0, maxReasons)
      .map(job => `failed on ${nameOf(job.boardId)}: ${job.errorMessage ?? 'no reason is known'}`),
    ...(failed.length > maxReasons ? [`failed on ${failed.length - maxReasons} more`] : []),
    ...(cancelled.length > 0 ? [`cancelled for ${names(cancelled)}`] : []),
  ]
  return `${first.name}, ${countText(jobs.length, 'board')}:\n${lines.join('\n')}${later}`
}

function oneJob(job: JobRecord, board: string): string {
  if (job.state === 'done') return `${job.name} is on ${board}: ${cost([job])}`
  if (job.state === 'cancelled') return `The upload of ${job.name} to ${board} was cancelled.`
  return `${job.name} did not reach ${board}: ${job.errorMessage ?? 'no reason is known'}`
}

/** Bytes and duration; of one job on a line with a rate also how fast they moved and how full the line was. */
function cost(jobs: readonly JobRecord[]): string {
  const stats = jobs.map(({ statsJson }) => parseStats(statsJson))
  const took = Math.max(...jobs.map(({ createdMs, finishedMs }) => (finishedMs ?? createdMs) - createdMs))
  const streamedBytes = stats.reduce((sum, each) => sum + each.streamedBytes, 0)
  const streamMs = stats.reduce((sum, each) => sum + each.streamMs, 0)
  if (streamedBytes === 0) return `done in ${durationText(took)}, nothing had to be sent.`
  const sent = `${bytesText(streamedBytes)} in ${durationText(took)}`
  const [only] = stats
  const share = jobs.length === 1 && only !== undefined ? lineShare(only) : null
  // Above 1 no line has paced the bytes (a pseudo-terminal is faster than its rate), and the rate would say nothing.
  if (share === null || share > 1 || streamMs === 0) return `${sent}.`
  return `${sent}, ${bytesText((streamedBytes * 1000) / streamMs)}/s, ${(share * 100).toFixed(1)} % of the line.`
}
