import { AppError, exitStatus, isErrorCode } from '../kernel/errors.ts'
import type { DoneReport } from '../upload/report.ts'
import type { UploadOptions } from '../upload/upload-options.ts'
import type { BoardView } from '../wire/board.ts'
import type { EventLine, JobView } from '../wire/job.ts'
import type { StoredPatternView } from '../wire/pattern.ts'
import type { Surroundings } from './command.ts'
import type { ControlClient } from './control-client.ts'
import type { UploadEvents } from './upload-events.ts'

const final = ['done', 'failed', 'cancelled']

/** Hands the file to the daemon and watches its jobs. The jobs go on when this command is interrupted. */
export async function uploadThroughDaemon(
  bytes: Uint8Array,
  options: UploadOptions,
  boards: readonly string[] | 'all',
  client: ControlClient,
  events: UploadEvents,
  { signal }: Surroundings,
): Promise<number> {
  const { fileName, ...how } = options
  const query = `name=${encodeURIComponent(fileName)}${options.raw ? '&raw=true' : ''}`
  const { pattern } = await client.postBytes<StoredPatternView>(`/patterns?${query}`, bytes)
  const { batchId } = await client.post<{ batchId: string }>('/jobs', { ...how, patternId: pattern.id, boards })
  const names = new Map((await client.get<{ boards: readonly BoardView[] }>('/boards')).boards.map(board => [board.id, board.name]))
  const nameOf = (id: string) => names.get(id) ?? id
  const ended = new Map<string, JobView>()
  for await (const line of client.lines(`/events?batch=${batchId}`, signal)) {
    const event = line as EventLine
    if (event.event === 'progress') {
      const { phase, doneBytes, totalBytes, lineShare } = event
      events.progress({ board: nameOf(event.boardId), phase, doneBytes, totalBytes, lineShare })
    }
    if (event.event !== 'state') continue
    const { job } = event
    events.state(nameOf(job.boardId), job.state, job.errorMessage)
    if (!final.includes(job.state) || ended.has(job.id)) continue
    ended.set(job.id, job)
    if (job.state === 'done') events.done(await client.get<DoneReport>(`/jobs/${job.id}/report`), nameOf(job.boardId))
    else events.failed({ board: job.boardId, code: codeOf(job), message: job.errorMessage ?? 'The upload was cancelled.' }, nameOf(job.boardId))
  }
  return conclude([...ended.values()], events, signal)
}

function conclude(jobs: readonly JobView[], events: UploadEvents, signal: AbortSignal): number {
  if (signal.aborted) throw new AppError('cancelled', 'Interrupted. The daemon goes on with the upload; see: pixelgate jobs')
  const failed = jobs.filter(job => job.state !== 'done')
  const [first] = failed
  if (jobs.length > 1) events.summary(jobs.length - failed.length, failed.length)
  if (first === undefined) return jobs.length > 0 ? 0 : exitStatus('daemon_failed')
  return exitStatus(failed.length === jobs.length ? codeOf(first) : 'some_boards_failed')
}

const codeOf = ({ errorCode }: JobView) => (errorCode !== null && isErrorCode(errorCode) ? errorCode : 'cancelled')
