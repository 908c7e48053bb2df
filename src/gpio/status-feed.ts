import { type LedStatus, ledStatus } from './led-pattern.ts'

const running = ['transferring', 'verifying', 'trial']

/**
 * What the status LED shows, from the events of jobs and boards. A fault is a board in quarantine, or a board whose last
 * job failed; it is over when another job of that board begins, or its job was done or cancelled.
 */
export class StatusFeed {
  /** Running job by board; a board runs one at a time. */
  readonly #running = new Map<string, string>()
  readonly #failed = new Set<string>()
  readonly #quarantined = new Set<string>()

  get status(): LedStatus {
    return ledStatus({
      fault: this.#failed.size > 0 || this.#quarantined.size > 0,
      uploading: this.#running.size > 0,
    })
  }

  jobChanged(job: { readonly id: string; readonly boardId: string; readonly state: string }): LedStatus {
    const { id, boardId, state } = job
    if (running.includes(state)) {
      this.#running.set(boardId, id)
      this.#failed.delete(boardId)
    } else if (this.#running.get(boardId) === id) this.#running.delete(boardId)
    if (state === 'failed') this.#failed.add(boardId)
    if (state === 'done' || state === 'cancelled') this.#failed.delete(boardId)
    return this.status
  }

  boardChanged(boardId: string, state: 'up' | 'down' | 'quarantined'): LedStatus {
    if (state === 'quarantined') this.#quarantined.add(boardId)
    else this.#quarantined.delete(boardId)
    return this.status
  }
}
