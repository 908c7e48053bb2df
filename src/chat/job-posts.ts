import type { Bus } from '../kernel/bus.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { JobRecord } from '../store/tables/job-record.ts'
import { jobReport } from '../tools/job-report.ts'

export interface JobPostsParts {
  readonly bus: Bus<{ readonly 'job.changed': JobRecord }>
  readonly store: Store
  readonly log: Log
  readonly say: (text: string) => Promise<void>
}

const ended: readonly JobRecord['state'][] = ['done', 'failed', 'cancelled']
/** Nothing moves these jobs on but a board that comes back or a person. */
const resting: readonly JobRecord['state'][] = [...ended, 'waiting', 'paused']
const largestBatch = 256

/**
 * Says in the common room what has become of uploads: once for all boards of an upload, as soon as no job of it
 * runs. Boards that come later are told of when they come. Remembers jobs that ended while others of their
 * upload run: of 1,000 uploads at most, since so many jobs may be unfinished.
 */
export class JobPosts {
  readonly #parts: JobPostsParts
  readonly #unsaid = new Map<string, Set<string>>()
  readonly #unsubscribe: () => void
  #saying: Promise<void> = Promise.resolve()

  constructor(parts: JobPostsParts) {
    this.#parts = parts
    this.#unsubscribe = parts.bus.on('job.changed', job => this.#changed(job))
  }

  /** Resolves when everything is said that has happened. */
  async stop(): Promise<void> {
    this.#unsubscribe()
    await this.#saying
  }

  #changed({ id, batchId, state }: JobRecord): void {
    const unsaid = this.#unsaid.get(batchId) ?? new Set()
    if (ended.includes(state)) this.#unsaid.set(batchId, unsaid.add(id))
    if (unsaid.size === 0 || !resting.includes(state)) return
    this.#saying = this.#saying
      .then(() => this.#look(batchId))
      .catch((thrown: unknown) => {
        this.#parts.log.warn(
          { batchId, reason: toError(thrown).message },
          'the end of an upload could not be told',
        )
      })
  }

  async #look(batchId: string): Promise<void> {
    const unsaid = this.#unsaid.get(batchId)
    if (unsaid === undefined) return
    const { store, say } = this.#parts
    const { jobs } = await store.jobs.list({ batchId, limit: largestBatch })
    if (jobs.some(({ state }) => !resting.includes(state))) return
    this.#unsaid.delete(batchId)
    const news = jobs.filter(({ id }) => unsaid.has(id)).reverse()
    if (news.length === 0) return
    const names = new Map<string, string>((await store.boards.list()).map(({ id, name }) => [id, name]))
    const waiting = jobs.filter(({ state }) => !ended.includes(state)).length
    await say(jobReport(news, id => names.get(id) ?? id.slice(0, 8), waiting))
  }
}
