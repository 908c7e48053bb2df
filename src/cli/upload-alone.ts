import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BoardConnection } from '../board/connection.ts'
import { systemClock } from '../kernel/clock.ts'
import { AppError, exitStatus, isErrorCode } from '../kernel/errors.ts'
import { boardId } from '../kernel/ids.ts'
import { silentLog } from '../kernel/log.ts'
import { type LinkSettings, openLink } from '../link/link-settings.ts'
import type { PatternLimits } from '../pattern/limits.ts'
import { openStore, type Store } from '../store/store.ts'
import { unfinishedStates } from '../store/tables/job-record.ts'
import { createCore, type GatewayCore } from '../upload/gateway-core.ts'
import { doneReport } from '../upload/report.ts'
import type { UploadOptions } from '../upload/upload-options.ts'
import type { JobRecord } from '../upload/uploads.ts'
import type { Surroundings } from './command.ts'
import type { UploadEvents } from './upload-events.ts'

/** How long an interrupted upload waits for its board to come back before the command gives up; a second call resumes. */
const absenceMs = 30_000
/** There is one line, and nothing on it until the pattern is ready; starting a thread would take as long. */
const maxHoldMs = 100

export interface AloneOptions {
  readonly link: LinkSettings
  readonly stateDir: string
  readonly maxBody: number
  readonly adaptBody: boolean
  readonly patternLimits: PatternLimits
}

/** Uploads over one link without the daemon, with the same machinery and a small database of its own. Resolves with the exit status. */
export async function uploadAlone(
  bytes: Uint8Array,
  options: UploadOptions,
  { link, stateDir, maxBody, adaptBody, patternLimits }: AloneOptions,
  events: UploadEvents,
  { signal }: Surroundings,
): Promise<number> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const store = await openStore(join(stateDir, 'cli.db'))
  const core = createCore({
    store,
    clock: systemClock,
    log: silentLog,
    maxBody,
    adaptBody,
    maxHoldMs,
    patternLimits,
  })
  try {
    const { pattern } = await core.uploads.addFile(bytes, options.fileName, options.raw)
    await core.uploads.checkReading(bytes, options)
    const outcome = await onBoard(
      core,
      link,
      signal,
      async id => {
        await dropOlder(store, id)
        const { jobs } = await core.uploads.submit(pattern, [boardId(id)], options)
        return jobs[0]?.id
      },
      events,
    )
    return await conclude(store, outcome, events)
  } finally {
    await core.queue.close()
    await store.close()
  }
}

/** Keeps the link up until the job that `begin` makes has ended. */
async function onBoard(
  core: GatewayCore,
  link: LinkSettings,
  signal: AbortSignal,
  begin: (boardId: string) => Promise<string | undefined>,
  events: UploadEvents,
): Promise<JobRecord> {
  let begun: Promise<string | undefined> | undefined
  let trouble: AppError | undefined
  let connection: BoardConnection | undefined
  let absence: NodeJS.Timeout | undefined
  let ended = false
  try {
    return await new Promise<JobRecord>((resolve, reject) => {
      signal.addEventListener(
        'abort',
        () =>
          reject(
            new AppError('cancelled', 'Interrupted. Run the same command again to go on where it stopped.'),
          ),
        { once: true },
      )
      core.bus.on('board.up', ({ boardId }) => {
        clearTimeout(absence)
        begun ??= begin(boardId)
        begun.catch(reject)
      })
      core.bus.on('board.down', ({ error }) => {
        trouble = error ?? trouble
        clearTimeout(absence)
        if (!ended)
          absence = setTimeout(
            () => reject(trouble ?? new AppError('link_lost', 'The board did not come back.')),
            absenceMs,
          )
      })
      core.bus.on('job.progress', progress => {
        events.progress(
          {
            board: progress.boardId,
            phase: progress.phase,
            doneBytes: progress.doneBytes,
            totalBytes: progress.totalBytes,
            lineShare: progress.lineShare,
          },
          core.registry.session(progress.boardId)?.caps.boardName,
        )
      })
      core.bus.on('job.power', power =>
        events.power(power, core.registry.session(power.boardId)?.caps.boardName),
      )
      core.bus.on('job.changed', job => {
        events.state(job.boardId, job.state, job.errorMessage)
        if (
          job.state === 'done' ||
          job.state === 'failed' ||
          job.state === 'cancelled' ||
          job.state === 'paused'
        )
          resolve(job)
      })
      connection = new BoardConnection({
        open: () => openLink(link, systemClock),
        maxBaudRate: link.kind === 'serial' ? (link.maxBaudRate ?? undefined) : undefined,
        clock: systemClock,
        log: silentLog,
        onSession: core.onSession,
        onTrouble: error => {
          trouble = error
          // Before the first session nobody waits for a board to come back: say at once what is wrong.
          if (begun === undefined) reject(error)
        },
      })
      connection.start()
    })
  } finally {
    ended = true
    clearTimeout(absence)
    await core.queue.close()
    await connection?.stop()
  }
}

/** A newer command for the same board replaces what an earlier one left. */
async function dropOlder(store: Store, id: string): Promise<void> {
  for (const job of await store.jobs.unfinished()) {
    if (job.boardId === id)
      await store.jobs.setState({ id: job.id, nowMs: Date.now(), from: unfinishedStates, to: 'cancelled' })
  }
}

async function conclude(store: Store, job: JobRecord, events: UploadEvents): Promise<number> {
  const name = (await store.boards.get(job.boardId))?.name ?? job.boardId
  if (job.state === 'done') {
    events.done(await doneReport(store, job), name)
    return 0
  }
  const code = job.errorCode !== null && isErrorCode(job.errorCode) ? job.errorCode : 'cancelled'
  events.failed({ board: job.boardId, code, message: job.errorMessage ?? 'The upload was cancelled.' }, name)
  return exitStatus(code)
}
