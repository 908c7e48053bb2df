import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError, toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { threadEnded } from '../../store/broker/broker-database.ts'
import type { Change } from '../../store/broker/changes.ts'
import { bytesOf, PendingChanges, type Settle, type Ticket } from './pending-changes.ts'

/** Where changes become durable. */
export interface ChangeStore {
  write(changes: readonly Change[]): Promise<void>
  renew(reason: string): Promise<void>
}

export interface JournalOptions {
  /** undefined: nothing outlasts the process. */
  readonly store: ChangeStore | undefined
  readonly clock: Clock
  readonly log: Log
  /** Everything that is to be on the disk. */
  readonly snapshot: () => readonly Change[]
}

/** Messages that wait for the disk. */
const maxWaiting = 20_000
const maxWaitingBytes = 32 * 1024 * 1024
/** Changes that nobody waits for are written with the next ones that somebody waits for, or after so long. */
const lazyMs = 100
const firstRetryMs = 1000
const lastRetryMs = 30_000
/** A commit that takes longer is a fault of the disk, though it may still come to an end. */
const lateMs = 10_000
const lateText = `the disk has not answered for ${lateMs / 1000} s: check the disk or SD card`
const damaged = /damaged/

/**
 * Group commit: changes that come while one commit is under way share the next one. Those who wait are told in the order in
 * which they came. What failed is told as well, and is not tried again, but for changes that must come to pass.
 */
export class Journal {
  readonly #options: JournalOptions
  readonly #pending: PendingChanges
  #waitingBytes = 0
  #busy = false
  #scheduled = false
  #timer: Timer | undefined
  #retryMs = firstRetryMs
  #stopped = false
  #idle: (() => void)[] = []
  /** Why the last commit failed; undefined again after one that went well. */
  fault: AppError | undefined
  commits = 0
  failures = 0
  /** Counts those who wait, first to last. */
  #given = 0
  #told = 0

  constructor(options: JournalOptions) {
    this.#options = options
    this.#pending = new PendingChanges(options.snapshot)
  }

  get waiting(): number {
    return this.#given - this.#told
  }

  get busy(): boolean {
    return this.#busy || !this.#pending.isEmpty
  }

  /** Changes in memory that nobody waits for. */
  get noted(): number {
    return this.#pending.noted
  }

  /** Whether something outlasts the process. */
  get lasting(): boolean {
    return this.#options.store !== undefined
  }

  /** Ticket of the last one who waits; `#told` reaches it when everybody up to it has been told. */
  get lastTicket(): number {
    return this.#given
  }

  hasTold(ticket: number): boolean {
    return ticket <= this.#told
  }

  /** Commits the changes together; without changes the turn alone is waited for. `settle` may be called at once. */
  add(changes: readonly Change[], settle: Settle): void {
    if (this.#options.store === undefined) return settle(undefined)
    if (changes.length === 0 && this.waiting === 0) return settle(undefined)
    const sizeBytes = bytesOf(changes)
    if (this.waiting >= maxWaiting || this.#waitingBytes + sizeBytes > maxWaitingBytes)
      return settle(new AppError('overloaded', 'the disk cannot keep up with the messages that are to last'))
    this.#push({ changes, settle, must: false }, sizeBytes)
  }

  /** Changes that must come to pass, as soon as the disk takes them; nobody waits. */
  note(...changes: readonly Change[]): void {
    if (this.#options.store === undefined || changes.length === 0) return
    this.#pending.note(changes)
    if (this.#timer === undefined && !this.#busy && !this.#scheduled && !this.#stopped) this.#wake(lazyMs)
  }

  /**
   * Changes that must come to pass, and that somebody waits for: rejects at a fault, and goes on trying. Without changes all that
   * was to be written before is waited for.
   */
  must(changes: readonly Change[]): Promise<void> {
    if (this.#options.store === undefined) return Promise.resolve()
    return new Promise((resolve, reject) =>
      this.#push({ changes, settle: settling(resolve, reject), must: true }, 0),
    )
  }

  /** Writes what there is, and takes no more time for what fails. */
  async stop(): Promise<void> {
    this.#stopped = true
    while (this.#busy || this.#scheduled) await new Promise<void>(resolve => this.#idle.push(resolve))
    while (!this.#pending.isEmpty) {
      await this.#write()
      if (this.fault !== undefined) break
    }
    this.#timer?.cancel()
  }

  #push(ticket: Ticket, sizeBytes: number): void {
    this.#given++
    this.#waitingBytes += sizeBytes
    this.#pending.push(ticket)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#busy || this.#scheduled) return
    this.#scheduled = true
    // All that came in one piece shares one commit.
    queueMicrotask(() => {
      this.#scheduled = false
      void this.#write()
    })
  }

  #wake(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timer = undefined
      this.#schedule()
    })
  }

  async #write(): Promise<void> {
    const { store, clock } = this.#options
    if (this.#busy || store === undefined) return
    this.#busy = true
    this.#timer?.cancel()
    this.#timer = undefined
    const batch = this.#pending.take()
    const nothing = batch.changes.length === 0
    const changes = nothing && this.fault !== undefined ? [this.#probe()] : batch.changes
    const late = clock.setTimer(lateMs, () => this.failed(new AppError('storage_failed', lateText)))
    let fault: AppError | undefined
    try {
      if (changes.length > 0) {
        await store.write(changes)
        this.commits++
        this.#recovered()
      }
      this.#tell(batch.tickets, undefined)
    } catch (thrown) {
      fault = this.failed(thrown)
      this.#tell(this.#pending.giveUp(batch), fault)
      await this.#renew(store, fault)
    }
    late.cancel()
    this.#busy = false
    for (const resolve of this.#idle.splice(0)) resolve()
    if (!this.#stopped) this.#goOn()
  }

  #goOn(): void {
    if (this.fault !== undefined) {
      this.#wake(this.#retryMs)
      this.#retryMs = Math.min(2 * this.#retryMs, lastRetryMs)
    } else if (this.waiting > 0) this.#schedule()
    else if (!this.#pending.isEmpty) this.#wake(lazyMs)
  }

  #tell(tickets: readonly Ticket[], fault: AppError | undefined): void {
    for (const { changes, settle, must } of tickets) {
      if (settle === undefined) continue
      this.#told++
      if (!must) this.#waitingBytes -= bytesOf(changes)
      settle(fault)
    }
  }

  #recovered(): void {
    this.#retryMs = firstRetryMs
    if (this.fault === undefined) return
    this.fault = undefined
    this.#options.log.info({}, "the broker's messages are stored again")
  }

  /** Also what went wrong before anything was to be written. */
  failed(thrown: unknown): AppError {
    const error = toError(thrown)
    const fault =
      error instanceof AppError ? error : new AppError('storage_failed', error.message, { cause: error })
    this.failures++
    if (this.fault === undefined)
      this.#options.log.error({ reason: fault.message }, "the broker's messages cannot be stored")
    this.fault = fault
    return fault
  }

  /** A file that is damaged, or of which nobody knows what it holds, is written anew from memory. */
  async #renew(store: ChangeStore, fault: AppError): Promise<void> {
    const unknown = fault.detail?.['reason'] === threadEnded
    if (!unknown && !damaged.test(fault.message)) return
    try {
      await store.renew(fault.message)
      this.#pending.writeWhole()
      this.#recovered()
    } catch (thrown) {
      this.failed(thrown)
    }
  }

  #probe(): Change {
    return { name: 'setClock', args: [Math.round(this.#options.clock.wallTime())] }
  }
}

const settling =
  (resolve: () => void, reject: (fault: AppError) => void): Settle =>
  fault =>
    fault === undefined ? resolve() : reject(fault)
