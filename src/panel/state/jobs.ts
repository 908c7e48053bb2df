import { signal } from '@preact/signals'
import type { JobView } from '../../wire/job.ts'
import type { ProgressView } from '../../wire/live.ts'
import { get, post, withQuery } from '../api.ts'
import { follow } from '../live.ts'
import { isFinal, withJobs } from '../model/jobs.ts'
import { type Track, withProgress } from '../model/progress.ts'
import { attempt } from './toasts.ts'

const pageSize = 30

/** Newest first, without a hole from the newest on. */
export const jobs = signal<readonly JobView[]>([])
/** How many there are in all; null: not known yet. */
export const jobsTotal = signal<number | null>(null)
/** Progress of running jobs by job id. */
export const tracks = signal<ReadonlyMap<string, Track>>(new Map())

interface JobPage {
  readonly jobs: readonly JobView[]
  readonly total: number
}

export async function loadJobs(): Promise<void> {
  const page = await get<JobPage>(withQuery('/jobs', { limit: pageSize }))
  const joins =
    page.jobs.length < pageSize || page.jobs.some(({ id }) => jobs.peek().some(job => job.id === id))
  jobs.value = withJobs(joins ? jobs.peek() : [], page.jobs)
  jobsTotal.value = page.total
}

export async function loadOlderJobs(): Promise<void> {
  const page = await get<JobPage>(withQuery('/jobs', { limit: pageSize, before: jobs.peek().at(-1)?.id }))
  jobs.value = withJobs(jobs.peek(), page.jobs)
  jobsTotal.value = page.total
}

export async function loadJob(id: string): Promise<JobView> {
  return (await get<{ job: JobView }>(`/jobs/${id}`)).job
}

export const followJobs = (): (() => void) =>
  follow(
    ['jobs', 'progress'],
    ({ type, data }) => {
      if (type === 'job') take([data as JobView])
      if (type === 'progress') note(data as ProgressView)
    },
    () => void attempt(loadJobs),
  )

/** Jobs that one has just made or changed, before their news comes round. */
export function take(changed: readonly JobView[]): void {
  const before = new Set(jobs.peek().map(({ id }) => id))
  const added = changed.filter(({ id }) => !before.has(id)).length
  jobs.value = withJobs(jobs.peek(), changed)
  if (jobsTotal.peek() !== null && added > 0) jobsTotal.value = (jobsTotal.peek() ?? 0) + added
  const ended = changed.filter(({ id, state }) => isFinal(state) && tracks.peek().has(id))
  if (ended.length === 0) return
  const left = new Map(tracks.peek())
  for (const { id } of ended) left.delete(id)
  tracks.value = left
}

function note(progress: ProgressView): void {
  const track = withProgress(tracks.peek().get(progress.jobId), progress, performance.now())
  tracks.value = new Map(tracks.peek()).set(progress.jobId, track)
}

export type JobVerb = 'pause' | 'resume' | 'cancel'

export async function orderJob(id: string, verb: JobVerb): Promise<void> {
  const { job } = await post<{ job: JobView }>(`/jobs/${id}/${verb}`)
  take([job])
}
