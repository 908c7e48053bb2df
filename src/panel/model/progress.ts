import type { JobView } from '../../wire/job.ts'
import type { ProgressView } from '../../wire/live.ts'

/** How fast bytes have gone over the last seconds. */
export interface Pace {
  /** null: it is not known yet. */
  readonly bytesPerSecond: number | null
  readonly samples: readonly { readonly atMs: number; readonly doneBytes: number }[]
}

/** How far a job is, with its speed over the last seconds. */
export interface Track extends Pace {
  readonly progress: ProgressView
}

const windowMs = 3000
/** A rate over less than this is noise. */
const shortestMs = 250

export const withProgress = (track: Track | undefined, progress: ProgressView, nowMs: number): Track => ({
  progress,
  ...withDone(track, progress.doneBytes, nowMs),
})

/** What began anew has fewer bytes than before; its speed begins anew too. */
export function withDone(pace: Pace | undefined, doneBytes: number, nowMs: number): Pace {
  const last = pace?.samples.at(-1)
  const continued = last !== undefined && doneBytes >= last.doneBytes ? (pace?.samples ?? []) : []
  const samples = [...continued.filter(({ atMs }) => nowMs - atMs <= windowMs), { atMs: nowMs, doneBytes }]
  const first = samples[0]
  const spanMs = first === undefined ? 0 : nowMs - first.atMs
  const bytesPerSecond =
    first !== undefined && spanMs >= shortestMs
      ? ((doneBytes - first.doneBytes) * 1000) / spanMs
      : continued.length > 0
        ? (pace?.bytesPerSecond ?? null)
        : null
  return { bytesPerSecond, samples }
}

/** How far a job is, 0 to 1: by its bytes while they are counted, by its durable blocks otherwise. */
export function jobShare(
  job: Pick<JobView, 'state' | 'blocks' | 'durableBlocks'>,
  track: Track | undefined,
): number {
  if (job.state === 'verifying' || job.state === 'trial' || job.state === 'done') return 1
  if (track !== undefined) return doneShare(track.progress)
  return job.blocks > 0 ? Math.min(1, job.durableBlocks / job.blocks) : 0
}

/** 0 to 1; a job of no bytes is done at once. */
export const doneShare = ({ doneBytes, totalBytes }: ProgressView): number =>
  totalBytes === 0 ? 0 : Math.min(1, doneBytes / totalBytes)
