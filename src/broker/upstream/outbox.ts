import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError, toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import {
  type DroppedRow,
  type OutboxBatch,
  type OutboxLimits,
  type OutboxRow,
  type OutboxUsage,
  outboxRowBytes,
} from '../../store/outbox/outbox-row.ts'
import type { OutboxThread } from '../../store/outbox/outbox-thread.ts'
import type { SendWindow } from './send-window.ts'
import { UnshownStates } from './unshown-states.ts'

/** Rows in memory; the others are read when these are on their way. */
const windowRows = 1_024
const windowBytes = 2 * 1024 * 1024
/** What nobody waits for is written in company. */
const lazyMs = 500
/** What has arrived is struck off soon: after a kill it would be sent again. */
const strikeMs = 20
/** Bytes that wait for the disk. */
const maxPendingBytes = 8 * 1024 * 1024
const retryMs = 5_000
const minuteMs = 60_000

export type OutboxStore = Pick<OutboxThread, 'call'>

export interface OutboxParts {
  readonly store: OutboxStore
  readonly upstream: string
  readonly limits: OutboxLimits
  readonly window: SendWindow
  readonly clock: Clock
  readonly log: Log
  /** There is something new in the window. */
  readonly onReady: () => void
  readonly onDropped: (dropped: readonly DroppedRow[]) => void
}

export type NewMessage = Pick<OutboxRow, 'topic' | 'class' | 'retain'> & {
  readonly payload: Buffer
  readonly job?: string
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Main memory's end of the outbox of one broker above: group commit towards the disk, and a window of what goes next. */
export class Outbox {
  readonly #parts: OutboxParts
  readonly #epoch = randomBytes(6).toString('hex')
  readonly #rows = new Map<number, OutboxRow>()
  readonly #unshown: UnshownStates
  #removed = new Set<number>()
  #outdated = new Map<string, number>()
  #jobs: string[] = []
  #waiters = new Map<number, Waiter>()
  #pendingBytes = 0
  #lastSeq = 0
  /** Up to here everything is in the window, or gone. */
  #loaded = 0
  #livedBaseMs = 0
  #openedMs = 0
  #committing: Promise<void> | undefined
  /** A commit is due behind the one that is under way. */
  #flushAgain = false
  #reading = false
  #timer: (Timer & { readonly dueMs: number }) | undefined
  #usage: OutboxUsage = {
    rows: 0,
    bytes: 0,
    byClass: { telemetry: 0, state: 0, message: 0, result: 0 },
    oldestMs: null,
  }
  #fault: string | undefined
  #closed = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
    this.#unshown = new UnshownStates(parts.clock)
  }

  /** Takes up what an earlier run has left. `known`: there was an earlier run. */
  async open(): Promise<{ readonly known: boolean }> {
    const { store, upstream, clock } = this.#parts
    const { lastSeq, livedMs, known, usage } = await store.call('resume', upstream)
    this.#lastSeq = lastSeq
    this.#loaded = usage.rows === 0 ? lastSeq : 0
    this.#livedBaseMs = livedMs
    this.#openedMs = clock.now()
    this.#usage = usage
    this.#schedule(lazyMs)
    this.refill()
    return { known }
  }

  get usage(): OutboxUsage & { readonly pendingRows: number; readonly ageMs: number | null } {
    const { oldestMs } = this.#usage
    return {
      ...this.#usage,
      pendingRows: this.#rows.size,
      ageMs: oldestMs === null ? null : Math.max(0, this.livedMs - oldestMs),
    }
  }

  /** Why the last write has failed; undefined: it has not. */
  get fault(): string | undefined {
    return this.#fault
  }

  get epoch(): string {
    return this.#epoch
  }

  /** Up to this number a value of the topic that the broker shows now is the newer one. */
  asOf(topic: string): number {
    return Math.min(this.#lastSeq, (this.#unshown.first(topic) ?? Number.POSITIVE_INFINITY) - 1)
  }

  /** Time that the gateway has run in all its life; steps of the wall clock do not count. */
  get livedMs(): number {
    return Math.round(this.#livedBaseMs + this.#parts.clock.now() - this.#openedMs)
  }

  /** Resolves when it is on the disk; rejects when it cannot be, and then it is not sent. */
  keep(message: NewMessage): Promise<void> {
    if (this.#closed) return Promise.reject(new AppError('overloaded', 'the gateway stops'))
    if (this.#pendingBytes > maxPendingBytes)
      return Promise.reject(new AppError('overloaded', 'the disk cannot keep up with messages for upstream'))
    const { seq, topic } = this.#add(message)
    const written = new Promise<void>((resolve, reject) => {
      this.#waiters.set(seq, { resolve, reject })
      this.#flush()
    })
    if (message.class === 'state') {
      this.#unshown.taken(topic, seq)
      written.catch(() => this.#unshown.shown(topic))
    }
    return written
  }

  /** The broker shows a retained message that was kept. */
  shown(topic: string): void {
    this.#unshown.shown(topic)
  }

  /** The same without a promise: written within half a second, unless it has arrived before. */
  note(message: NewMessage): void {
    if (this.#closed) return
    if (this.#pendingBytes > maxPendingBytes) {
      this.#parts.onDropped([{ seq: 0, class: message.class, reason: 'space' }])
      return
    }
    this.#add(message)
    this.#schedule(lazyMs)
  }

  /** It has arrived, or will never be sent. */
  remove(topic: string, seq: number): void {
    this.#parts.window.remove({ topic, seq })
    if (!this.#forget(seq)) {
      this.#removed.add(seq)
      this.#schedule(strikeMs)
    }
    this.refill()
  }

  /** States of this topic up to a number are worth nothing: a newer one has arrived. */
  outdate(topic: string, upTo: number): void {
    for (const seq of this.#parts.window.outdate(topic, upTo)) this.#forget(seq)
    if (this.#usage.byClass.state + this.#rows.size === 0 && this.#committing === undefined) return
    this.#noteOutdated(topic, upTo)
    this.#schedule(lazyMs)
  }

  unseenJobs(jobs: readonly string[]): Promise<readonly string[]> {
    return this.#parts.store.call('unseenJobs', this.#parts.upstream, jobs)
  }

  /** Their ends need not be told: they were before this outbox. */
  async seen(jobs: readonly string[]): Promise<void> {
    this.#jobs.push(...jobs)
    await this.settle()
  }

  /** Reads on when the window has room; not during a commit, whose rows are neither on the disk for certain nor here. */
  refill(): void {
    const { window, store, upstream } = this.#parts
    const behind = this.#loaded < this.#lastSeq
    if (!behind || this.#reading || this.#committing !== undefined) return
    if (window.rows > windowRows / 2 || window.bytes > windowBytes / 2) return
    this.#reading = true
    // Everything up to here is read with it, or waits in this process.
    const posted = this.#lastSeq
    const unwritten = [...this.#rows.values()]
    store
      .call('read', upstream, this.#loaded, windowRows / 2, windowBytes / 2)
      .then(({ rows, last, damaged }) => {
        if (damaged.length > 0) {
          this.#parts.onDropped(damaged)
          for (const { seq } of damaged) this.#removed.add(seq)
        }
        const upTo = last ? posted : (rows.at(-1)?.seq ?? this.#loaded)
        const waiting = unwritten.filter(({ seq }) => seq <= upTo)
        for (const row of merged(rows, waiting))
          if (row.seq > this.#loaded && !this.#removed.has(row.seq)) window.push(row)
        this.#loaded = Math.max(this.#loaded, upTo)
        this.#reading = false
        this.refill()
        this.#parts.onReady()
      })
      .catch((thrown: unknown) => {
        this.#reading = false
        this.#failed(thrown)
        this.#schedule(retryMs)
      })
  }

  /** Resolves when everything is on the disk that can be. */
  async settle(): Promise<void> {
    while (this.#committing !== undefined) await this.#committing
    do {
      this.#flush()
      await this.#committing
    } while (this.#fault === undefined && this.#hasUnwritten())
  }

  /** What it has promised is on the disk then; it takes nothing more, so that nobody else is promised anything. */
  async close(): Promise<void> {
    this.#closed = true
    await this.settle()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #add({ job, ...message }: NewMessage): OutboxRow {
    const { window } = this.#parts
    const row: OutboxRow = { ...message, seq: ++this.#lastSeq, epoch: this.#epoch, livedMs: this.livedMs }
    if (row.class === 'state') for (const seq of window.outdate(row.topic, row.seq - 1)) this.#forget(seq)
    if (this.#loaded === row.seq - 1 && window.rows < windowRows && window.bytes < windowBytes) {
      window.push(row)
      this.#loaded = row.seq
    }
    this.#rows.set(row.seq, row)
    this.#pendingBytes += outboxRowBytes(row)
    if (job !== undefined) this.#jobs.push(job)
    this.#parts.onReady()
    return row
  }

  /** False: it is on the disk already, or on the way there. */
  #forget(seq: number): boolean {
    const row = this.#rows.get(seq)
    // Somebody still waits for it to be written.
    if (row === undefined || this.#waiters.has(seq)) return false
    this.#pendingBytes -= outboxRowBytes(row)
    return this.#rows.delete(seq)
  }

  #hasUnwritten(): boolean {
    return this.#rows.size + this.#removed.size + this.#outdated.size + this.#jobs.length > 0
  }

  #schedule(delayMs: number): void {
    const { clock } = this.#parts
    const dueMs = clock.now() + delayMs
    if (this.#timer !== undefined && this.#timer.dueMs <= dueMs) return
    this.#timer?.cancel()
    const timer = clock.setTimer(delayMs, () => {
      this.#timer = undefined
      this.#flush()
      this.refill()
      // An age limit and the age itself go on while nothing happens.
      if (this.#usage.rows > 0) this.#schedule(minuteMs)
    })
    this.#timer = { dueMs, cancel: () => timer.cancel() }
  }

  #flush(): void {
    this.#flushAgain = this.#committing !== undefined
    if (this.#flushAgain) return
    const { upstream, limits } = this.#parts
    const batch: OutboxBatch = {
      upstream,
      limits,
      livedMs: this.livedMs,
      insert: [...this.#rows.values()],
      remove: [...this.#removed],
      outdated: [...this.#outdated].map(([topic, seq]) => ({ topic, seq })),
      jobs: this.#jobs,
    }
    const waiters = this.#waiters
    this.#rows.clear()
    this.#removed = new Set()
    this.#outdated = new Map()
    this.#jobs = []
    this.#waiters = new Map()
    this.#pendingBytes = 0
    this.#committing = this.#commit(batch, waiters).finally(() => {
      this.#committing = undefined
      this.refill()
      if (this.#flushAgain) this.#flush()
    })
  }

  async #commit(batch: OutboxBatch, waiters: ReadonlyMap<number, Waiter>): Promise<void> {
    const { store, window, onDropped } = this.#parts
    try {
      const { usage, dropped } = await store.call('commit', batch)
      this.#usage = usage
      this.#fault = undefined
      if (dropped.length > 0) {
        window.drop(new Set(dropped.map(({ seq }) => seq)))
        onDropped(dropped)
      }
      for (const { resolve } of waiters.values()) resolve()
    } catch (thrown) {
      this.#failed(thrown)
      // Nobody has been promised the others: they are sent from memory, and written when the disk is well again.
      for (const row of batch.insert) if (!waiters.has(row.seq)) this.#again(row)
      window.drop(new Set(waiters.keys()))
      for (const seq of batch.remove) this.#removed.add(seq)
      for (const { topic, seq } of batch.outdated) this.#noteOutdated(topic, seq)
      this.#jobs.unshift(...batch.jobs)
      for (const { reject } of waiters.values()) reject(toError(thrown))
      this.#schedule(retryMs)
    }
  }

  #noteOutdated(topic: string, upTo: number): void {
    this.#outdated.set(topic, Math.max(upTo, this.#outdated.get(topic) ?? 0))
  }

  #again(row: OutboxRow): void {
    if (this.#removed.delete(row.seq)) return
    this.#rows.set(row.seq, row)
    this.#pendingBytes += outboxRowBytes(row)
  }

  #failed(thrown: unknown): void {
    const reason = toError(thrown).message
    if (this.#fault !== reason)
      this.#parts.log.error(
        { upstream: this.#parts.upstream, reason },
        'messages for the broker above cannot be kept',
      )
    this.#fault = reason
  }
}

/** Two lists of rows in one order. */
const merged = (stored: readonly OutboxRow[], waiting: readonly OutboxRow[]): readonly OutboxRow[] =>
  waiting.length === 0
    ? stored
    : [...new Map([...stored, ...waiting].map(row => [row.seq, row])).values()].sort((a, b) => a.seq - b.seq)
