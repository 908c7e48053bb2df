import { readFile } from 'node:fs/promises'
import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { type BoardId, jobId, type PatternId, patternId, uuidV7 } from '../kernel/ids.ts'
import type { RandomBytes } from '../kernel/random.ts'
import type { CandidateFacts } from '../pattern/candidate-facts.ts'
import type { Store } from '../store/store.ts'
import type { FileOnDisk } from '../store/tables/blob-parts.ts'
import type { JobPage } from '../store/tables/job-list.ts'
import type { JobEventRecord, JobRecord as StoredJob } from '../store/tables/job-record.ts'
import type { PatternPage } from '../store/tables/pattern-list.ts'
import type { Door, PatternRecord } from '../store/tables/pattern-record.ts'
import { type JobOffer, jobOffer } from './job-offer.ts'
import type { PatternEvents } from './library/pattern-events.ts'
import { readingText, type StoredReading, withStoredReading } from './library/stored-reading.ts'
import type { PatternThread, Source } from './pattern-thread/pattern-thread.ts'
import { type DoneReport, doneReport } from './report.ts'
import type { UploadOptions } from './upload-options.ts'
import type { UploadQueue } from './upload-queue.ts'

/** A job as the database holds it. */
export type JobRecord = StoredJob
export type { PatternRecord }

/** What is said of a file beside its bytes. */
export interface Arrival {
  readonly door: Door
  /** Name of the person; null: not known. */
  readonly who: string | null
  /** In the library; left out: the name of the file. */
  readonly name?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly reading?: StoredReading | undefined
}

export interface StoredPattern {
  readonly pattern: PatternRecord
  /** False: these bytes were here already. */
  readonly created: boolean
  /** Every reading of the file, best first; empty when it is only good as raw bytes. */
  readonly candidates: readonly CandidateFacts[]
}

/** What would let one name look like another is left out. */
const libraryName = (fileName: string): string =>
  fileName.replace(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim() || 'pattern'

/** Files come in here and leave as jobs. */
export class Uploads {
  readonly #store: Store
  readonly #queue: UploadQueue
  readonly #patterns: PatternThread
  readonly #clock: Clock
  readonly #random: RandomBytes
  readonly #bus: Pick<Bus<PatternEvents>, 'emit'>

  constructor(parts: {
    readonly store: Store
    readonly queue: UploadQueue
    readonly patterns: PatternThread
    readonly clock: Clock
    readonly random: RandomBytes
    readonly bus: Pick<Bus<PatternEvents>, 'emit'>
  }) {
    this.#bus = parts.bus
    this.#store = parts.store
    this.#queue = parts.queue
    this.#patterns = parts.patterns
    this.#clock = parts.clock
    this.#random = parts.random
  }

  /**
   * Stores a file by its hash; the same bytes again are the same pattern. A file that is no pattern is refused unless it is to be sent as
   * raw bytes.
   */
  async addFile(
    file: Uint8Array | FileOnDisk,
    fileName: string,
    raw: boolean,
    { door, who, name, tags = [], reading = {} }: Arrival = { door: 'cli', who: null },
  ): Promise<StoredPattern> {
    const asked = { ...reading, fileName }
    const source = file instanceof Uint8Array ? file : () => readFile(file.path)
    const look = raw ? undefined : await this.#patterns.run(source, { work: 'arrive', asked })
    const { candidates = [], index = 0, ambiguous, thumbnail = null } = look ?? {}
    const facts = candidates[index]
    const nowMs = this.#clock.wallTime()
    const stored = await this.#store.patterns.keep({
      id: patternId(this.#newId(nowMs)),
      bytes: file,
      name: name ?? libraryName(fileName),
      fileName,
      raw,
      tags,
      format: facts?.format ?? 'raw',
      readingJson: raw ? '{}' : readingText(reading),
      factsJson: facts === undefined ? null : JSON.stringify({ ...facts, index, ambiguous }),
      thumbnail,
      door,
      who,
      arrivedMs: nowMs,
    })
    this.#bus.emit('pattern.changed', { id: stored.pattern.id, what: 'kept' })
    return { ...stored, candidates }
  }

  /** One job for each board, all or none. What is not said of the reading is as it was when the file came in. An ambiguous file is refused here, before any job exists. */
  async submit(
    pattern: PatternRecord,
    boards: readonly BoardId[],
    given: UploadOptions,
    createdBy: string | null = null,
  ): Promise<{ batchId: string; jobs: readonly JobRecord[] }> {
    if (boards.length === 0) throw new AppError('usage', 'No board was named. See: pixelgate boards')
    const options: UploadOptions = withStoredReading(pattern, given)
    await this.checkReading(() => this.#store.blobs.get(pattern.sourceSha), options)
    const nowMs = this.#clock.wallTime()
    const batchId = this.#newId(nowMs)
    const jobs = await this.#queue.add(
      boards.map(boardId => ({
        id: jobId(this.#newId(nowMs)),
        batchId,
        boardId,
        name: pattern.name,
        patternId: pattern.id,
        raw: options.raw,
        optionsJson: JSON.stringify(options),
        sourceSha: pattern.sourceSha,
        createdBy,
        nowMs,
      })),
    )
    return { batchId, jobs }
  }

  /** A new job with the file, options and board of one that has failed or was cancelled. Rejects with `not_found` and `conflict`. */
  async retry(id: JobRecord['id'], createdBy: string | null): Promise<JobRecord> {
    const former = await this.job(id)
    if (former.state !== 'failed' && former.state !== 'cancelled')
      throw new AppError(
        'conflict',
        `This job is ${former.state}; only one that has failed or was cancelled is sent again.`,
      )
    const { boardId, name, patternId: pattern, raw, optionsJson, sourceSha } = former
    const nowMs = this.#clock.wallTime()
    const [job] = await this.#queue.add([
      {
        ...{ boardId, name, patternId: pattern, raw, optionsJson, sourceSha, createdBy, nowMs },
        id: jobId(this.#newId(nowMs)),
        batchId: this.#newId(nowMs),
        retryOf: id,
      },
    ])
    if (job === undefined) throw new Error('a job that was added is not there')
    return job
  }

  #newId(nowMs: number): string {
    return uuidV7(nowMs, this.#random(10))
  }

  async pattern(id: PatternId): Promise<PatternRecord> {
    const found = await this.#store.patterns.get(id)
    if (found === undefined) throw new AppError('not_found', 'There is no pattern with this id.')
    return found
  }

  patterns(page: { before?: PatternId; limit: number }): Promise<PatternPage> {
    return this.#store.patterns.list(page)
  }

  async job(id: JobRecord['id']): Promise<JobRecord> {
    const found = await this.#store.jobs.get(id)
    if (found === undefined) throw new AppError('not_found', 'There is no job with this id.')
    return found
  }

  /** What happened to a job, oldest first; `afterSeq`: only what came later. */
  jobEvents(id: JobRecord['id'], afterSeq = 0): Promise<readonly JobEventRecord[]> {
    return this.#store.jobs.events({ id, afterSeq })
  }

  /** What it will send; undefined until its image is made. */
  offer(job: JobRecord): Promise<JobOffer | undefined> {
    return jobOffer(this.#store, job)
  }

  /** What a finished job has cost and proven; rejects with `conflict` while it is not done. */
  async report(id: JobRecord['id']): Promise<DoneReport> {
    const job = await this.job(id)
    if (job.state !== 'done')
      throw new AppError('conflict', `This job is ${job.state}; only a done job has a report.`)
    return doneReport(this.#store, job)
  }

  jobs(filter: Parameters<Store['jobs']['list']>[0]): Promise<JobPage> {
    return this.#store.jobs.list(filter)
  }

  /** Rejects with `file_ambiguous` when nobody can tell which reading is meant. */
  async checkReading(source: Source, options: UploadOptions): Promise<void> {
    const { raw, fileName, leds, width, height, sprite, candidate, channels, frames } = options
    if (raw) return
    const asked = { fileName, leds, width, height, sprite, candidate, channels, frames }
    await this.#patterns.run(source, { work: 'check', asked })
  }
}
