import type { Timer } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { StorageThread, type ThreadLimits, threadEnded } from './storage-thread.ts'
import type { ThreadStart } from './thread-messages.ts'

/** Runs a call, or refuses it where the readers have failed too often. */
export interface ReaderGuard {
  run<T>(work: () => Promise<T>): Promise<T>
}

export interface ReaderLimits extends Omit<ThreadLimits, 'onFailure'> {
  readonly maxReaders: number
  /** A reader that has had nothing to do for so long ends. */
  readonly idleMs: number
  readonly guard?: ReaderGuard | undefined
}

export interface ReaderStats {
  /** Threads that are there now. */
  readonly open: number
  readonly limit: number
  readonly pendingCalls: number
  readonly maxPendingCalls: number
  /** Since the start. */
  readonly started: number
  /** Ended unasked. */
  readonly died: number
}

interface Reader {
  readonly thread: StorageThread
  idle: Timer | undefined
}

/** Connections that only read, each in a thread of its own: WAL lets them look while somebody writes. */
export class Readers {
  readonly #start: ThreadStart
  readonly #limits: ReaderLimits
  readonly #readers = new Set<Reader>()
  readonly #leaving = new Set<Promise<void>>()
  #pending = 0
  #started = 0
  #died = 0
  #closed = false

  constructor(start: ThreadStart, limits: ReaderLimits) {
    this.#start = start
    this.#limits = limits
  }

  stats(): ReaderStats {
    const { maxReaders, maxPendingCalls } = this.#limits
    return {
      open: this.#readers.size,
      limit: maxReaders,
      pendingCalls: this.#pending,
      maxPendingCalls,
      started: this.#started,
      died: this.#died,
    }
  }

  /** As StorageThread.call. A call whose reader ends under it is made once more, as it has changed nothing. */
  async call(table: string, operation: string, args: readonly unknown[]): Promise<unknown> {
    const { maxPendingCalls, guard } = this.#limits
    if (this.#closed) throw new AppError('storage_failed', 'the store is closed: start the program again')
    if (this.#pending >= maxPendingCalls)
      throw new AppError(
        'overloaded',
        'too many long questions to the database: try again in a few seconds',
        {
          detail: { calls: this.#pending },
        },
      )
    const ask = (): Promise<unknown> => this.#ask(table, operation, args)
    const attempt = guard === undefined ? ask : () => guard.run(ask)
    this.#pending += 1
    try {
      return await attempt().catch((error: unknown) => {
        if (this.#closed || !hasEnded(error)) throw error
        return attempt()
      })
    } finally {
      this.#pending -= 1
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const reader of this.#readers) this.#leave(reader)
    await Promise.all(this.#leaving)
  }

  async #ask(table: string, operation: string, args: readonly unknown[]): Promise<unknown> {
    const reader = this.#choose()
    reader.idle?.cancel()
    try {
      return await reader.thread.call(table, operation, args)
    } finally {
      if (this.#readers.has(reader) && reader.thread.pending.calls === 0) this.#rest(reader)
    }
  }

  /** The one that has least to do; a new one while all have something and more are allowed. */
  #choose(): Reader {
    let best: Reader | undefined
    for (const reader of this.#readers)
      if (best === undefined || reader.thread.pending.calls < best.thread.pending.calls) best = reader
    const full = this.#readers.size >= this.#limits.maxReaders
    return best !== undefined && (full || best.thread.pending.calls === 0) ? best : this.#begin()
  }

  #begin(): Reader {
    const gone = (): void => {
      this.#died += 1
      this.#readers.delete(reader)
      reader.idle?.cancel()
    }
    const thread = new StorageThread(this.#start, { ...this.#limits, onFailure: gone })
    const reader: Reader = { thread, idle: undefined }
    this.#readers.add(reader)
    this.#started += 1
    // What waits behind the opening is refused with it.
    thread.open().catch(gone)
    return reader
  }

  #rest(reader: Reader): void {
    reader.idle?.cancel()
    reader.idle = this.#limits.clock.setTimer(this.#limits.idleMs, () => this.#leave(reader))
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader)
    reader.idle?.cancel()
    const left = reader.thread.close().catch(() => undefined)
    this.#leaving.add(left)
    void left.then(() => this.#leaving.delete(left))
  }
}

const hasEnded = (error: unknown): boolean =>
  error instanceof AppError && error.detail?.['reason'] === threadEnded
