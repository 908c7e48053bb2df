import { toError } from '../../kernel/errors.ts'
import type { JobId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { finalStates, unfinishedStates } from '../../store/tables/job-record.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { JobRecord } from '../../upload/uploads.ts'
import type { UploadAbortPayload, UploadOfferPayload } from '../../wire/mqtt.ts'
import type { Publisher } from '../publisher.ts'
import type { GatewayTopics } from '../topics/topics.ts'

const maxUnfinished = 1000

/**
 * What waits for a board, or is on its way to it, as a retained offer: from the moment the job is there until its end, when
 * the topic is cleared. A job that is cancelled is called off at `…/abort` as well.
 */
export class JobOffers {
  readonly #core: Pick<GatewayCore, 'bus' | 'uploads'>
  readonly #topics: GatewayTopics
  readonly #publisher: Publisher
  readonly #log: Log
  readonly #open = new Map<JobId, Promise<void>>()
  #ends: readonly (() => void)[] = []

  constructor(parts: {
    readonly core: Pick<GatewayCore, 'bus' | 'uploads'>
    readonly topics: GatewayTopics
    readonly publisher: Publisher
    readonly log: Log
  }) {
    this.#core = parts.core
    this.#topics = parts.topics
    this.#publisher = parts.publisher
    this.#log = parts.log
  }

  async start(): Promise<void> {
    const { bus, uploads } = this.#core
    this.#ends = [
      bus.on('job.changed', record => this.#onChanged(record)),
      bus.on('job.prepared', ({ jobId: id }) => this.#offer(id)),
    ]
    const { jobs } = await uploads.jobs({ states: unfinishedStates, limit: maxUnfinished })
    for (const { id } of jobs) this.#offer(id)
  }

  stop(): void {
    for (const end of this.#ends) end()
  }

  #onChanged(record: JobRecord): void {
    const { id, boardId, state } = record
    if (!finalStates.some(final => final === state)) {
      if (!this.#open.has(id)) this.#offer(id)
      return
    }
    const last = this.#open.get(id)
    this.#open.delete(id)
    const { offer, abort } = this.#topics.upload(boardId, id)
    // After the offer that is being made, which would stay otherwise.
    void Promise.resolve(last).then(() => this.#publisher.retain(offer, undefined))
    const called: UploadAbortPayload = { job: id, transferId: record.transferId }
    if (state === 'cancelled') void this.#publisher.send(abort, called)
  }

  /** One after the other, so that the last one says what is known in the end. */
  #offer(id: JobId): void {
    const before = this.#open.get(id) ?? Promise.resolve()
    this.#open.set(
      id,
      before.then(() => this.#tell(id)),
    )
  }

  async #tell(id: JobId): Promise<void> {
    try {
      const { uploads } = this.#core
      const record = await uploads.job(id)
      const known = await uploads.offer(record)
      const payload: UploadOfferPayload = {
        job: record.id,
        name: record.name,
        patternId: record.patternId,
        transferId: known?.transferId ?? null,
        imageBytes: known?.imageBytes ?? null,
        manifestBytes: known?.manifestBytes ?? null,
        blocks: known?.blocks ?? null,
        blockSize: known?.blockBytes ?? null,
        sha256: known?.sha256 ?? null,
        createdAt: new Date(record.createdMs).toISOString(),
      }
      if (this.#open.has(id))
        await this.#publisher.retain(this.#topics.upload(record.boardId, id).offer, payload)
    } catch (thrown) {
      this.#log.warn(
        { jobId: id, reason: toError(thrown).message },
        'an upload could not be offered over MQTT',
      )
    }
  }
}
