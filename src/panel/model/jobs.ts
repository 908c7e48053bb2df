import type { JobView } from '../../wire/job.ts'

export type JobState = JobView['state']

export const isFinal = (state: JobState): boolean =>
  state === 'done' || state === 'failed' || state === 'cancelled'
const isRunning = (state: JobState): boolean =>
  state === 'transferring' || state === 'verifying' || state === 'trial'
export const canPause = (state: JobState): boolean =>
  isRunning(state) || state === 'queued' || state === 'waiting'

/** Newest first: ids are UUIDv7 and sort by their time. */
const newestFirst = (a: JobView, b: JobView): number => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

/** The list with these jobs in it; of two pictures of one job the younger stays. */
export function withJobs(known: readonly JobView[], added: readonly JobView[]): readonly JobView[] {
  const byId = new Map(known.map(job => [job.id, job]))
  for (const job of added) {
    const before = byId.get(job.id)
    if (before === undefined || before.updatedAt <= job.updatedAt) byId.set(job.id, job)
  }
  return [...byId.values()].sort(newestFirst)
}

/** What a board's tile shows: the running job, or else the oldest one that waits for it. */
export function activeJob(jobs: readonly JobView[], boardId: string): JobView | undefined {
  const open = jobs.filter(job => job.boardId === boardId && !isFinal(job.state))
  return open.find(({ state }) => isRunning(state)) ?? open.at(-1)
}

export const jobWord: Readonly<Record<JobState, string>> = {
  queued: 'Queued',
  waiting: 'Waiting for the board',
  transferring: 'Sending',
  verifying: 'Verifying',
  trial: 'Trying it out',
  done: 'Verified',
  paused: 'Paused',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

export const jobTone = (state: JobState): 'ok' | 'bad' | 'warn' | 'busy' | 'quiet' =>
  state === 'done'
    ? 'ok'
    : state === 'failed'
      ? 'bad'
      : state === 'paused'
        ? 'warn'
        : state === 'cancelled' || state === 'queued'
          ? 'quiet'
          : 'busy'

/** What a person at the panel can do about a failure; the message itself was written for the command line too. */
const cures: Readonly<Record<string, string>> = {
  file_ambiguous: 'Open the pattern again and choose how it is to be read.',
  does_not_fit: 'Choose another reading or another board, or correct the size of the board in its settings.',
  power_exceeded: 'Send it again with less brightness, or with “Dim it to fit” ticked.',
  board_mute: 'Check the power and the cable of the board, then send the pattern again.',
  board_reset: 'The board starts again and again while it receives. Check its power supply.',
  board_garbage: 'Check the cable and the baud rate of the port.',
  link_lost: 'Check the cable or the network of the board; what has arrived is kept.',
  link_failed: 'Check the cable or the network of the board; what has arrived is kept.',
  board_quarantined: 'Two boards claim the same identity. Unplug one of them.',
  verification_failed: 'Send it again. If it fails again, the memory of the board may be worn out.',
  storage_failed: 'The gateway cannot write to its disk. Free some space, then send it again.',
}

export const jobCure = (code: string | null): string | null => (code === null ? null : (cures[code] ?? null))
