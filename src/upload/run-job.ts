import type { BoardProfile } from '../board/profile.ts'
import type { BoardSession } from '../board/session.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { RandomBytes } from '../kernel/random.ts'
import type { Seal } from '../protocol/pairing.ts'
import type { Sender, SenderProgress } from '../protocol/sender/sender.ts'
import { errorCodes } from '../protocol/wire-errors.ts'
import type { Store } from '../store/store.ts'
import type { JobRecord } from '../store/tables/job-record.ts'
import { awaitTrial, wantsSlot } from './await-trial.ts'
import { type JobImage, loadJobImage, makeJobImage } from './job-image.ts'
import type { PatternThread } from './pattern-thread/pattern-thread.ts'
import { addRun, parseStats, type RunStats } from './run-stats.ts'
import { judgeFault } from './sender-fault.ts'

/** Notes for display and statistics are written this often; correctness needs none of them. */
const checkpointMs = 1000
/** The board goes back by itself when the gateway dies between ACTIVATE and CONFIRM. */
const trialSeconds = 10
/** Tries of one run to get a slot: a trial may end between the answer and the look at it, and another may begin. */
const slotTries = 3

export interface RunDeps {
  readonly store: Store
  readonly patterns: PatternThread
  readonly clock: Clock
  readonly random: RandomBytes
  readonly log: Log
  readonly maxBody: number
  readonly adaptBody: boolean
  /** What a paired board wants its manifests to carry; undefined: it has no key of ours. */
  readonly sealFor?: (session: BoardSession) => Seal | undefined
  /** The image is made, and nothing of it has been sent. */
  readonly onPrepared?: (job: JobRecord, image: JobImage, profile: BoardProfile) => void
}

export type RunResult =
  | {
      readonly end: 'done'
      readonly slot: number
      readonly digest: { readonly alg: string; readonly value: string }
      readonly stats: RunStats
    }
  | { readonly end: 'interrupted'; readonly error: AppError; readonly progressed: boolean }
  | { readonly end: 'failed'; readonly error: AppError }
  | { readonly end: 'stopped' }

/**
 * One run of a job on a board that is there, until it is done or something comes between. Never rejects. `wanted` is
 * asked when the image is made: compiling takes time, in which the job may have been paused or cancelled.
 */
export async function runJob(
  deps: RunDeps,
  job: JobRecord,
  session: BoardSession,
  profile: BoardProfile,
  wanted: () => boolean,
  onProgress: (progress: SenderProgress, stats: RunStats) => void,
): Promise<RunResult> {
  try {
    const { store } = deps
    const seal = deps.sealFor?.(session)
    const nowMs = deps.clock.wallTime()
    const image =
      (await loadJobImage(store, job, { seal, nowMs })) ??
      (await makeJobImage(deps, job, profile, session.caps, nowMs, seal))
    if (!wanted()) return { end: 'stopped' }
    deps.onPrepared?.(job, image, profile)
    const result = await transfer(deps, job, session, image, seal, wanted, onProgress)
    if (!isTooOld(result)) return result
    // A later upload, or a restored database, has overtaken this image; it is as good under a new generation.
    const stored = (await store.jobs.get(job.id)) ?? job
    const anew = await loadJobImage(store, stored, { seal, nowMs, newGeneration: true })
    return anew === undefined || !wanted()
      ? { end: 'stopped' }
      : await transfer(deps, job, session, anew, seal, wanted, onProgress)
  } catch (thrown) {
    if (thrown instanceof AppError) return wanted() ? { end: 'failed', error: thrown } : { end: 'stopped' }
    deps.log.error({ jobId: job.id, err: toError(thrown) }, 'an upload ended by a bug')
    return {
      end: 'failed',
      error: new AppError('daemon_failed', `Internal error: ${toError(thrown).message}`, { cause: thrown }),
    }
  }
}

const isTooOld = (result: RunResult): boolean =>
  result.end === 'failed' && result.error.detail?.['code'] === errorCodes.OLD_GENERATION

async function transfer(
  deps: RunDeps,
  job: JobRecord,
  session: BoardSession,
  image: JobImage,
  seal: Seal | undefined,
  wanted: () => boolean,
  onProgress: (progress: SenderProgress, stats: RunStats) => void,
): Promise<RunResult> {
  const { store, clock } = deps
  const before = parseStats(job.statsJson)
  const { bytesOut, bytesIn, link } = session.channel
  const stats = (progress: SenderProgress) =>
    addRun(before, progress, {
      bytesOut: session.channel.bytesOut - bytesOut,
      bytesIn: session.channel.bytesIn - bytesIn,
      baudRate: link.baudRate,
    })

  let notedAtMs = clock.now()
  let noting: Promise<void> | undefined
  const note = (progress: SenderProgress) => {
    if (noting !== undefined || clock.now() - notedAtMs < checkpointMs) return
    notedAtMs = clock.now()
    noting = checkpoint(store, job, progress, stats(progress), clock.wallTime())
      .catch((thrown: unknown) =>
        deps.log.warn({ jobId: job.id, err: toError(thrown) }, 'a checkpoint could not be written'),
      )
      .finally(() => {
        noting = undefined
      })
  }
  const digestKey = deps.random(16)
  const send = () =>
    session.transfer(
      {
        plan: {
          caps: session.caps,
          payload: { manifest: image.manifest, image: image.image, blocks: image.blocks },
          id: image.id,
          sha256: image.sha256,
          manifestCrc: image.manifestCrc,
          trialSeconds,
          delta: !job.raw,
          digestKey,
          pairedDigestKey: seal?.digestKey(image.id, digestKey),
        },
        job: job.id,
        maxBody: deps.maxBody,
        adaptBody: deps.adaptBody,
        durableBefore: job.durableBlocks,
      },
      (running: Sender) => {
        const progress = running.progress()
        onProgress(progress, stats(progress))
        note(progress)
      },
    )
  let sender = await send()
  let { outcome } = sender
  for (let tries = 1; wantsSlot(outcome) && tries < slotTries; tries++) {
    const goesOn = await awaitTrial(session, clock, wanted)
    if (goesOn) sender = await send()
    outcome = goesOn ? sender.outcome : undefined
  }
  await noting
  const progress = sender.progress()
  if (outcome?.ok === true) {
    const digest = { alg: outcome.digest.alg, value: Buffer.from(outcome.digest.value).toString('hex') }
    return { end: 'done', slot: outcome.slot, digest, stats: stats(progress) }
  }
  await checkpoint(store, job, progress, stats(progress), clock.wallTime())
  const progressed = progress.durableBlocks > job.durableBlocks
  if (outcome === undefined) {
    if (session.alive) return { end: 'stopped' }
    const error = session.endError ?? new AppError('link_lost', `${link.address} was closed.`)
    return { end: 'interrupted', error, progressed }
  }
  const { interrupted, error } = judgeFault(outcome.fault)
  return interrupted ? { end: 'interrupted', error, progressed } : { end: 'failed', error }
}

async function checkpoint(
  store: Store,
  job: JobRecord,
  progress: SenderProgress,
  stats: RunStats,
  nowMs: number,
): Promise<void> {
  await store.jobs.checkpoint({
    id: job.id,
    nowMs,
    durableBlocks: progress.durableBlocks,
    payloadBytes: stats.streamedBytes,
    statsJson: JSON.stringify(stats),
  })
}
