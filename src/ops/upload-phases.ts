import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import type { MeteredEvents } from './gateway-meter.ts'

/** More jobs than there can be unfinished ones. */
const maxJobs = 2000
const finalStates = ['done', 'failed', 'cancelled']

/** Measures how long each upload is in each of its states, and tells it when the state is left; `whole` is the way to `done`. */
export function watchUploadPhases(
  bus: Pick<Bus<MeteredEvents>, 'on'>,
  clock: Clock,
  tell: (phase: string, ms: number, failed: boolean) => void,
): () => void {
  const jobs = new Map<string, { readonly beganMs: number; state: string; sinceMs: number }>()
  return bus.on('job.changed', ({ id, state }) => {
    const nowMs = clock.now()
    const job = jobs.get(id)
    if (job === undefined) {
      if (!finalStates.includes(state) && jobs.size < maxJobs)
        jobs.set(id, { beganMs: nowMs, state, sinceMs: nowMs })
      return
    }
    if (job.state === state) return
    tell(job.state, nowMs - job.sinceMs, state === 'failed')
    job.state = state
    job.sinceMs = nowMs
    if (!finalStates.includes(state)) return
    jobs.delete(id)
    if (state === 'done') tell('whole', nowMs - job.beganMs, false)
  })
}
