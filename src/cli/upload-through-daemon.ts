import { setTimeout } from 'node:timers/promises'
import { AppError, exitStatus, isErrorCode } from '../kernel/errors.ts'
import type { DoneReport } from '../upload/report.ts'
import type { UploadOptions } from '../upload/upload-options.ts'
import type { BoardView } from '../wire/board.ts'
import type { EventLine, JobView } from '../wire/job.ts'
import type { StoredPatternView } from '../wire/pattern.ts'
import type { Surroundings } from './command.ts'
import type { ControlClient } from './control-client.ts'
import { query } from './query.ts'
import type { UploadEvents } from './upload-events.ts'

/** A restart takes a second or two; a machine that boots, longer. */
const daemonAbsenceMs = 60_000
const retryMs = 300
const final = ['done', 'failed', 'cancelled']

/** What goes to the boards: a file from here, or a pattern that the daemon keeps, by id or name. */
export type DaemonSource =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'stored'; readonly pattern: string }

/** Hands the file to the daemon and watches its jobs. The jobs go on when this command is interrupted. */
export async function uploadThroughDaemon(
  source: DaemonSource,
  options: UploadOptions,
  boards: readonly string[] | 'all',
  client: ControlClient,
  events: UploadEvents,
  { signal }: Surroundings,
): Promise<number> {
  const { fileName, raw, ...how } = options
  const patternId = source.kind === 'file' ? await store(source.bytes, fileName, raw, client) : source.pattern
  // A stored pattern knows itself whether it is raw.
  const said = source.kind === 'file' || raw ? { raw } : {}
  const { batchId } = await client.post<{ batchId: string }>('/jobs', { ...how, ...said, patternId, boards })
  const names = new Map(
    (await client.list<BoardView>('/boards', 'boards')).map(board => [board.id, board.name]),
  )
  const nameOf = (id: string) => names.get(id) ?? id
  const ended = new Map<string, JobView>()
  const told = new Map<string, string>()
  for await (const line of watch(client, batchId, signal)) {
    const event = line as EventLine
    if (event.event === 'progress') {
      const { phase, doneBytes, totalBytes, lineShare } = event
      events.progress({ board: nameOf(event.boardId), phase, doneBytes, totalBytes, lineShare })
    }
    if (event.event === 'power') events.power(event, nameOf(event.boardId))
    if (event.event !== 'state') continue
    const { job } = event
    if (told.get(job.id) === job.state) continue
    told.set(job.id, job.state)
    events.state(nameOf(job.boardId), job.state, job.errorMessage)
    if (!final.includes(job.state) || ended.has(job.id)) continue
    ended.set(job.id, job)
    if (job.state === 'done')
      events.done(await client.get<DoneReport>(`/jobs/${job.id}/report`), nameOf(job.boardId))
    else
      events.failed(
        { board: job.boardId, code: codeOf(job), message: job.errorMessage ?? 'The upload was cancelled.' },
        nameOf(job.boardId),
      )
  }
  return conclude([...ended.values()], events, signal)
}

async function store(
  bytes: Uint8Array,
  fileName: string,
  raw: boolean,
  client: ControlClient,
): Promise<string> {
  const asked = query({ name: fileName, raw: raw || undefined })
  return (await client.postBytes<StoredPatternView>(`/patterns${asked}`, bytes)).pattern.id
}

/** The events of a batch. A daemon that is restarted takes its jobs up again, so the watching goes on too. */
async function* watch(
  client: ControlClient,
  batchId: string,
  signal: AbortSignal,
): AsyncGenerator<unknown, void> {
  let goneAtMs: number | undefined
  for (;;) {
    try {
      for await (const line of client.lines(`/events?batch=${batchId}`, signal)) {
        goneAtMs = undefined
        yield line
      }
      return
    } catch (thrown) {
      if (signal.aborted) return
      if (!(thrown instanceof AppError) || thrown.code !== 'daemon_unreachable') throw thrown
      goneAtMs ??= Date.now()
      if (Date.now() - goneAtMs > daemonAbsenceMs) throw thrown
      await setTimeout(retryMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

function conclude(jobs: readonly JobView[], events: UploadEvents, signal: AbortSignal): number {
  if (signal.aborted)
    throw new AppError('cancelled', 'Interrupted. The daemon goes on with the upload; see: pixelgate jobs')
  const failed = jobs.filter(job => job.state !== 'done')
  const [first] = failed
  if (jobs.length > 1) events.summary(jobs.length - failed.length, failed.length)
  if (first === undefined) return jobs.length > 0 ? 0 : exitStatus('daemon_failed')
  return exitStatus(failed.length === jobs.length ? codeOf(first) : 'some_boards_failed')
}

const codeOf = ({ errorCode }: JobView) =>
  errorCode !== null && isErrorCode(errorCode) ? errorCode : 'cancelled'
