import type { BoardProfile } from '../board/profile.ts'
import type { BoardEvents, BoardRegistry } from '../board/registry.ts'
import type { BoardSession } from '../board/session.ts'
import type { Bus } from '../kernel/bus.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { BoardId, JobId } from '../kernel/ids.ts'
import type { SenderProgress } from '../protocol/sender/sender.ts'
import { type JobRecord, unfinishedStates } from '../store/tables/job-record.ts'
import type { NewJob } from '../store/tables/jobs.ts'
import { announcePower, type JobEvents, toProgress } from './job-events.ts'
import { isFinal, isRunning, type Job, type JobInput, stepJob, wantsReset } from './job-state.ts'
import { pullReset, type ResetBoard } from './pull-reset.ts'
import { type RunDeps, type RunResult, runJob } from './run-job.ts'

const quarantined = new AppError(
  'board_quarantined',
  'Two boards have the same UUID, so nothing is sent to either. Give one of them another: erase its UUID, or unplug it.',
)

/** Jobs that may wait or run at once, over all boards. */
export const maxUnfinishedJobs = 1000

export interface QueueDeps extends RunDeps {
  readonly bus: Bus<BoardEvents & JobEvents>
  readonly registry: BoardRegistry
  readonly profileOf: (session: BoardSession) => Promise<BoardProfile>
  readonly resetBoard?: ResetBoard | undefined
}

/** Why a job waits. */
interface Why {
  readonly errorCode: string
  readonly errorMessage: string
}

interface Tracked {
  record: JobRecord
  idleInterruptions: number
  idleResets: number
}

const track = (record: JobRecord): Tracked => ({ record, idleInterruptions: 0, idleResets: 0 })
const jobOf = ({ record, idleInterruptions, idleResets }: Tracked): Job => ({
  state: record.state,
  idleInterruptions,
  idleResets,
})

/** The jobs of all boards: one at a time on each board, many boards at once; a job whose board is away waits for it. */
export class UploadQueue {
  readonly #deps: QueueDeps
  readonly #jobs = new Map<JobId, Tracked>()
  readonly #busy = new Map<
    BoardId,
    { readonly jobId: JobId; readonly session: BoardSession; readonly finished: Promise<void> }
  >()
  #closing = false
  /** Of batches that are being written. */
  #arriving = 0

  constructor(deps: QueueDeps) {
    this.#deps = deps
    deps.bus.on('board.up', ({ boardId }) => this.#kick(boardId))
    // Nobody can tell which of the two boards the running upload is for.
    deps.bus.on('board.quarantined', ({ boardId }) => this.#busy.get(boardId)?.session.stopTransfer())
  }

  /** Jobs that wait or run. */
  get size(): number {
    return this.#jobs.size + this.#arriving
  }

  /** Whether an upload to this board runs now. */
  isBusy(boardId: BoardId): boolean {
    return this.#busy.has(boardId)
  }

  /** Takes up what an earlier process left unfinished. */
  async start(): Promise<void> {
    for (const record of await this.#deps.store.jobs.unfinished()) {
      const settled =
        record.state === 'paused' || record.state === 'queued' ? record : await this.#move(record, 'waiting')
      this.#jobs.set(record.id, track(settled))
    }
    for (const boardId of new Set([...this.#jobs.values()].map(({ record }) => record.boardId)))
      this.#kick(boardId)
  }

  /** Adds the jobs of one upload, all or none. Rejects with `overloaded` or `storage_failed`. */
  async add(batch: readonly NewJob[]): Promise<readonly JobRecord[]> {
    const waiting = this.size
    if (waiting + batch.length > maxUnfinishedJobs) {
      throw new AppError(
        'overloaded',
        `${waiting} uploads wait already. Cancel some, or wait until they are done.`,
      )
    }
    let arriving = batch.length
    this.#arriving += arriving
    try {
      await this.#deps.store.jobs.insertBatch(batch)
      const records: JobRecord[] = []
      for (const { id, boardId } of batch) {
        const record = await this.#read(id)
        this.#jobs.set(id, track(record))
        arriving--
        this.#arriving--
        this.#deps.bus.emit('job.changed', record)
        const absent = this.#deps.registry.session(boardId) === undefined
        records.push((absent ? await this.#apply(id, { type: 'board_absent' }) : undefined) ?? record)
        this.#kick(boardId)
      }
      return records
    } finally {
      this.#arriving -= arriving
    }
  }

  /** Rejects with `conflict` when the job is in no state for this, `not_found` when it is finished or unknown. */
  async command(id: JobId, type: 'pause' | 'resume' | 'cancel'): Promise<JobRecord> {
    const tracked = this.#jobs.get(id)
    if (tracked === undefined) throw new AppError('not_found', 'There is no unfinished job with this id.')
    const { boardId } = tracked.record
    const running = this.#busy.get(boardId)
    const record = await this.#apply(id, { type })
    if (record === undefined)
      throw new AppError('conflict', `A job that is ${tracked.record.state} cannot be told to ${type}.`)
    if (running?.jobId === id) {
      running.session.stopTransfer()
      if (type === 'cancel') await forget(running.session, record)
    }
    this.#kick(boardId)
    if (record.state !== 'queued' || this.#deps.registry.session(boardId) !== undefined) return record
    return (await this.#apply(id, { type: 'board_absent' })) ?? record
  }

  /** Stops every run and what is being compiled for it; the jobs stay unfinished for the next start. */
  async close(): Promise<void> {
    this.#closing = true
    for (const { session } of this.#busy.values()) session.stopTransfer()
    await this.#deps.patterns.close()
    await Promise.all([...this.#busy.values()].map(({ finished }) => finished))
  }

  /** Starts the board's next job if the board is there and free. */
  #kick(boardId: BoardId): void {
    if (this.#closing || this.#busy.has(boardId)) return
    const session = this.#deps.registry.session(boardId)
    if (session?.alive !== true) return
    for (const { record } of this.#jobs.values()) {
      if (record.boardId !== boardId || (record.state !== 'queued' && record.state !== 'waiting')) continue
      const finished = this.#run(record.id, session)
        .catch((thrown: unknown) => this.#stumble(record.id, thrown))
        .finally(() => {
          this.#busy.delete(boardId)
          this.#kick(boardId)
        })
      this.#busy.set(boardId, { jobId: record.id, session, finished })
      return
    }
  }

  async #run(id: JobId, session: BoardSession): Promise<void> {
    const record = await this.#apply(id, { type: 'started' })
    if (record === undefined) return
    const profile = await this.#deps.profileOf(session)
    let phase: SenderProgress['phase'] = 'preparing'
    let written: Promise<unknown> = Promise.resolve()
    const wanted = () =>
      !this.#closing &&
      isRunning(this.#jobs.get(id)?.record.state ?? 'cancelled') &&
      !this.#deps.registry.quarantined(record.boardId)
    const { bus } = this.#deps
    const power = announcePower(bus)
    const deps: RunDeps = {
      ...this.#deps,
      onPrepared: (job, image, profile) => {
        power(job, image, profile)
        bus.emit('job.prepared', { jobId: id, boardId: record.boardId })
      },
    }
    const result = await runJob(deps, record, session, profile, wanted, (progress, stats) => {
      this.#deps.bus.emit('job.progress', toProgress(record, progress, stats))
      if (progress.phase === phase) return
      phase = progress.phase
      if (phase !== 'verifying' && phase !== 'trial') return
      const input: JobInput = { type: 'phase', phase }
      written = written.then(() => this.#apply(id, input))
      // Whoever awaits `written` hears of a failure; until then it must not count as unhandled.
      written.catch(() => undefined)
    })
    await written
    await this.#settle(id, result)
  }

  /** The database refused a step: the job is paused, here at least, so that nothing is claimed that is not written. */
  async #stumble(id: JobId, thrown: unknown): Promise<void> {
    const { log, store, clock, bus } = this.#deps
    const error =
      thrown instanceof AppError
        ? thrown
        : new AppError('daemon_failed', toError(thrown).message, { cause: thrown })
    log.error(
      { jobId: id, code: error.code, err: error },
      'a job was paused because its state could not be written',
    )
    const tracked = this.#jobs.get(id)
    if (tracked === undefined) return
    tracked.record = {
      ...tracked.record,
      state: 'paused',
      errorCode: error.code,
      errorMessage: error.message,
    }
    bus.emit('job.changed', tracked.record)
    const nowMs = clock.wallTime()
    const why = { errorCode: error.code, errorMessage: error.message }
    await store.jobs.setState({ id, nowMs, from: unfinishedStates, to: 'paused', why }).catch(() => undefined)
  }

  async #settle(id: JobId, result: RunResult): Promise<void> {
    const { store, clock, bus } = this.#deps
    const nowMs = clock.wallTime()
    const tracked = this.#jobs.get(id)
    if (tracked === undefined || isFinal(tracked.record.state)) return
    switch (result.end) {
      case 'stopped':
        // Paused, cancelled or shutting down: whoever stopped it has set the state. Else its board was put in quarantine.
        tracked.record = await this.#read(id)
        if (!this.#closing && isRunning(tracked.record.state))
          await this.#interrupt(tracked, quarantined, true)
        return
      case 'done': {
        const { alg, value } = result.digest
        const saved = {
          id,
          nowMs,
          digestAlg: alg,
          digestValue: value,
          payloadBytes: result.stats.streamedBytes,
          statsJson: JSON.stringify(result.stats),
        }
        // Paused while the board had the last word: the next run finds it complete and proves it again.
        if (!(await store.jobs.finish(saved))) return this.#reread(tracked)
        break
      }
      case 'failed': {
        const { code, message } = result.error
        if (code === 'storage_failed') throw result.error
        if (!(await store.jobs.fail({ id, nowMs, errorCode: code, errorMessage: message })))
          return this.#reread(tracked)
        break
      }
      case 'interrupted':
        if (!(await this.#interrupt(tracked, result.error, result.progressed))) return
    }
    this.#jobs.delete(id)
    bus.emit('job.changed', await this.#read(id))
  }

  /** Back to waiting, with why; true when it has happened too often and the job has failed. */
  async #interrupt(tracked: Tracked, { code, message }: AppError, progressed: boolean): Promise<boolean> {
    const { store, clock } = this.#deps
    const { id } = tracked.record
    const wanted = !this.#closing && wantsReset(jobOf(tracked), code, progressed)
    const reset = wanted && (await pullReset(this.#deps, tracked.record, code))
    if (isFinal(tracked.record.state)) return false
    const nowMs = clock.wallTime()
    const why = { errorCode: code, errorMessage: message }
    const moved = await this.#apply(id, { type: 'interrupted', code, progressed, reset }, why)
    if (moved?.state === 'failed') {
      const errorMessage = `${message} The upload was given up after several tries without progress.`
      if (await store.jobs.fail({ id, nowMs, errorCode: code, errorMessage })) return true
    } else if (moved === undefined) {
      await store.jobs.noteError({ id, nowMs, ...why })
    }
    await this.#reread(tracked)
    return false
  }

  async #reread(tracked: Tracked): Promise<void> {
    tracked.record = await this.#read(tracked.record.id)
  }

  /** One step of the job's machine, written down with its reason before anybody hears of it; undefined: it was refused. */
  async #apply(id: JobId, input: JobInput, why?: Why): Promise<JobRecord | undefined> {
    const tracked = this.#jobs.get(id)
    if (tracked === undefined) return undefined
    const next = stepJob(jobOf(tracked), input)
    if (next === undefined) return undefined
    tracked.idleInterruptions = next.idleInterruptions
    tracked.idleResets = next.idleResets
    // `failed` and `done` are written by the caller, together with why.
    if (next.state === 'failed' || next.state === 'done') return { ...tracked.record, state: next.state }
    if (next.state === tracked.record.state) return tracked.record
    const before = tracked.record
    tracked.record = { ...before, state: next.state }
    try {
      const written = await this.#move(before, next.state, why)
      // It ended while this was on its way to the database, where a final state stays: nobody is told otherwise.
      if (isFinal(written.state) && written.state !== next.state) {
        tracked.record = written
        return undefined
      }
      // A later step may have come meanwhile; the rows follow in the same order.
      tracked.record = { ...written, state: tracked.record.state }
    } catch (thrown) {
      if (tracked.record.state === next.state) tracked.record = before
      throw thrown
    }
    if (next.state === 'cancelled') this.#jobs.delete(id)
    this.#deps.bus.emit('job.changed', tracked.record)
    return tracked.record
  }

  async #move(
    record: JobRecord,
    to: Exclude<JobRecord['state'], 'done' | 'failed'>,
    why?: Why,
  ): Promise<JobRecord> {
    const { store, clock } = this.#deps
    await store.jobs.setState({ id: record.id, nowMs: clock.wallTime(), from: unfinishedStates, to, why })
    return this.#read(record.id)
  }

  async #read(id: JobId): Promise<JobRecord> {
    const record = await this.#deps.store.jobs.get(id)
    if (record === undefined)
      throw new AppError('storage_failed', `The job ${id} has vanished from the database.`)
    return record
  }
}

/** The board is to drop what it has of a cancelled job; one in trial goes back to the former pattern. */
async function forget(session: BoardSession, { transferId }: JobRecord): Promise<void> {
  if (transferId === null) return
  await session.request({ type: 'ROLLBACK' }).catch(() => undefined)
  await session.request({ type: 'ABORT', id: Buffer.from(transferId, 'hex') }).catch(() => undefined)
}
