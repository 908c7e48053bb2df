import type { Clock, Timer } from '../../kernel/clock.ts'
import { finalStates, unfinishedStates } from '../../store/tables/job-record.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { JobProgress } from '../../upload/job-events.ts'
import type { JobRecord } from '../../upload/uploads.ts'
import type { UploadStatusPayload } from '../../wire/mqtt.ts'
import type { Publisher } from '../publisher.ts'
import type { GatewayTopics } from '../topics/topics.ts'

/** Twice a second a job. */
const everyMs = 500
/** What became of a job can be read for so long. */
const clearAfterMs = 600_000
const maxFinished = 256
const maxUnfinished = 1000

interface Tracked {
  readonly topic: string
  status: UploadStatusPayload
  publishedMs: number
  timer: Timer | undefined
}

/** The retained status of each upload; cleared ten minutes after its end. */
export class JobMirror {
  readonly #core: Pick<GatewayCore, 'bus' | 'uploads'>
  readonly #topics: GatewayTopics
  readonly #publisher: Publisher
  readonly #clock: Clock
  readonly #tracked = new Map<string, Tracked>()
  /** In the order in which they ended. */
  readonly #finished = new Map<string, Tracked>()
  #ends: readonly (() => void)[] = []

  constructor(parts: {
    readonly core: Pick<GatewayCore, 'bus' | 'uploads'>
    readonly topics: GatewayTopics
    readonly publisher: Publisher
    readonly clock: Clock
  }) {
    this.#core = parts.core
    this.#topics = parts.topics
    this.#publisher = parts.publisher
    this.#clock = parts.clock
  }

  async start(): Promise<void> {
    const { bus, uploads } = this.#core
    this.#ends = [
      bus.on('job.changed', record => this.#onChanged(record)),
      bus.on('job.progress', progress => this.#onProgress(progress)),
    ]
    const unfinished = await uploads.jobs({ states: unfinishedStates, limit: maxUnfinished })
    const ended = await uploads.jobs({ states: finalStates, limit: maxFinished })
    const nowMs = this.#clock.wallTime()
    // The oldest first, and those that have ended before the others.
    for (const job of [...unfinished.jobs, ...ended.jobs].reverse()) {
      // A clock that was set back keeps none for longer.
      const leftMs = Math.min(clearAfterMs, (job.finishedMs ?? nowMs) + clearAfterMs - nowMs)
      if (leftMs > 0 && !this.#tracked.has(job.id)) this.#onChanged(job, leftMs)
    }
  }

  /** Clears what has ended: a broker above keeps it, and nobody else would take it away there. */
  async stop(): Promise<void> {
    for (const end of this.#ends) end()
    for (const { timer } of this.#tracked.values()) timer?.cancel()
    await Promise.all([...this.#finished.keys()].map(id => this.#clear(id)))
  }

  #onChanged(record: JobRecord, clearMs = clearAfterMs): void {
    if (this.#finished.has(record.id)) return
    const tracked = this.#tracked.get(record.id) ?? {
      topic: this.#topics.uploadStatus(record.boardId, record.id),
      status: statusOf(record, undefined),
      publishedMs: Number.NEGATIVE_INFINITY,
      timer: undefined,
    }
    this.#tracked.set(record.id, tracked)
    tracked.status = statusOf(record, tracked.status)
    if (finalStates.some(state => state === record.state)) this.#finish(record.id, tracked, clearMs)
    else this.#publishSoon(tracked)
  }

  #onProgress({ jobId, doneBytes, totalBytes, lineShare }: JobProgress): void {
    const tracked = this.#tracked.get(jobId)
    if (tracked === undefined) return
    const percent = totalBytes === 0 ? 0 : Math.min(99, Math.floor((100 * doneBytes) / totalBytes))
    tracked.status = { ...tracked.status, bytes: doneBytes, total: totalBytes, percent, lineShare }
    this.#publishSoon(tracked)
  }

  #publishSoon(tracked: Tracked): void {
    if (tracked.timer !== undefined) return
    const waitMs = tracked.publishedMs + everyMs - this.#clock.now()
    if (waitMs <= 0) return this.#publish(tracked)
    tracked.timer = this.#clock.setTimer(waitMs, () => {
      tracked.timer = undefined
      this.#publish(tracked)
    })
  }

  #publish(tracked: Tracked): void {
    tracked.publishedMs = this.#clock.now()
    void this.#publisher.retain(tracked.topic, tracked.status)
  }

  #finish(id: string, tracked: Tracked, clearMs: number): void {
    tracked.timer?.cancel()
    this.#tracked.delete(id)
    this.#finished.set(id, tracked)
    this.#publish(tracked)
    tracked.timer = this.#clock.setTimer(clearMs, () => void this.#clear(id))
    const [oldest] = this.#finished.keys()
    if (this.#finished.size > maxFinished && oldest !== undefined) void this.#clear(oldest)
  }

  async #clear(id: string): Promise<void> {
    const tracked = this.#finished.get(id)
    this.#finished.delete(id)
    tracked?.timer?.cancel()
    if (tracked !== undefined) await this.#publisher.retain(tracked.topic, undefined)
  }
}

/** `before`: what was known of its bytes. */
export function statusOf(record: JobRecord, before: UploadStatusPayload | undefined): UploadStatusPayload {
  const { state, name, patternId, imageBytes, errorCode, errorMessage } = record
  const done = state === 'done'
  const total = imageBytes === 0 ? (before?.total ?? 0) : imageBytes
  return {
    state,
    name,
    patternId,
    bytes: done ? total : (before?.bytes ?? 0),
    total,
    percent: done ? 100 : (before?.percent ?? 0),
    lineShare: before?.lineShare ?? null,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' },
  }
}
