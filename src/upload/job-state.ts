import type { ErrorCode } from '../kernel/errors.ts'
import { finalStates, type JobState } from '../store/tables/job-record.ts'

export type JobInput =
  | { readonly type: 'board_absent' }
  | { readonly type: 'started' }
  | { readonly type: 'phase'; readonly phase: 'transferring' | 'verifying' | 'trial' }
  /**
   * The board or the link went away; `progressed`: blocks became durable since the last interruption; `reset`: the board's
   * reset line was pulled on it, as `wantsReset` had asked for.
   */
  | {
      readonly type: 'interrupted'
      readonly code: ErrorCode
      readonly progressed: boolean
      readonly reset?: boolean
    }
  | { readonly type: 'succeeded' }
  | { readonly type: 'failed'; readonly code: ErrorCode }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'cancel' }

/** What the shell does after a step: take the board when it is free, stop what runs on it, or nothing. */
export type JobAct = 'run' | 'stop' | 'none'

export interface Job {
  readonly state: JobState
  /** Interruptions in a row without a single new durable block. */
  readonly idleInterruptions: number
  /** Pulls of the board's reset line in a row without a single new durable block. */
  readonly idleResets: number
}

export interface JobStep extends Job {
  readonly act: JobAct
}

/** A board that comes and goes so often without taking a block will not take one the next time either. */
export const maxIdleInterruptions = 8

/** Resets that have brought no block, within those interruptions: one more would not help either. */
export const maxIdleResets = 3

export const isFinal = (state: JobState): boolean => finalStates.some(final => final === state)
export const isRunning = (state: JobState): boolean =>
  state === 'transferring' || state === 'verifying' || state === 'trial'

/** The next state, or undefined when the input means nothing in this one. A final state never changes again. */
export function stepJob(job: Job, input: JobInput): JobStep | undefined {
  if (isFinal(job.state)) return undefined
  const { idleInterruptions, idleResets } = job
  const to = (
    state: JobState,
    act: JobAct = 'none',
    idle: Omit<Job, 'state'> = { idleInterruptions, idleResets },
  ): JobStep => ({ state, act, ...idle })
  switch (input.type) {
    case 'board_absent':
      return job.state === 'queued' ? to('waiting') : undefined
    case 'started':
      return job.state === 'queued' || job.state === 'waiting' ? to('transferring') : undefined
    case 'phase':
      return isRunning(job.state) ? to(input.phase) : undefined
    case 'interrupted': {
      if (!isRunning(job.state)) return undefined
      const idle = afterInterruption(job, input.progressed)
      // A pull is one more chance, not eight.
      if (input.reset === true) {
        const idleInterruptions = Math.min(idle.idleInterruptions, maxIdleInterruptions - 1)
        return to('waiting', 'run', { idleInterruptions, idleResets: idle.idleResets + 1 })
      }
      return idle.idleInterruptions >= maxIdleInterruptions
        ? to('failed', 'none', idle)
        : to('waiting', 'run', idle)
    }
    case 'succeeded':
      return isRunning(job.state) ? to('done') : undefined
    case 'failed':
      return job.state === 'paused' ? undefined : to('failed')
    case 'pause':
      return job.state === 'paused' ? undefined : to('paused', isRunning(job.state) ? 'stop' : 'none')
    case 'resume':
      return job.state === 'paused' ? to('queued', 'run', { idleInterruptions: 0, idleResets: 0 }) : undefined
    case 'cancel':
      return to('cancelled', isRunning(job.state) ? 'stop' : 'none')
  }
}

/**
 * Whether the board's reset line is to be pulled before the job is told of an interruption: the board has fallen mute, or
 * the job would be given up and nothing of the kind was tried. A block that became durable gives all pulls back.
 */
export function wantsReset(job: Job, code: ErrorCode, progressed: boolean): boolean {
  if (!isRunning(job.state)) return false
  const { idleInterruptions, idleResets } = afterInterruption(job, progressed)
  if (code === 'board_mute') return idleResets < maxIdleResets
  return idleInterruptions >= maxIdleInterruptions && idleResets === 0
}

const afterInterruption = (job: Job, progressed: boolean): Omit<Job, 'state'> =>
  progressed
    ? { idleInterruptions: 0, idleResets: 0 }
    : { idleInterruptions: job.idleInterruptions + 1, idleResets: job.idleResets }
