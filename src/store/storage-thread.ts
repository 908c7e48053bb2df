import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { argumentSizeBytes, withOwnBytes } from './argument-size.ts'
import { startWorker } from './start-worker.ts'
import type { StatementTimes } from './statement-meter.ts'
import { fromPlainError, type ThreadReply, type ThreadRequest, type ThreadStart } from './thread-messages.ts'

export interface ThreadLimits {
  readonly clock: Clock
  readonly maxPendingCalls: number
  readonly maxPendingBytes: number
  readonly callTimeoutMs: number
  /** Once, when the thread ends unasked after it had opened; from then on every call is refused. */
  readonly onFailure: (error: AppError) => void
  /** After each call that the thread has answered. */
  readonly onCall?: (call: FinishedCall) => void
}

/** One call as its caller saw it. */
export interface FinishedCall {
  /** `jobs.list` */
  readonly operation: string
  /** By a fault of the storage or of the program, not by a refusal such as `not_found`. */
  readonly failed: boolean
  /** From the asking to the answer: waiting, statements and commit. */
  readonly ms: number
  readonly statements: StatementTimes
}

/** `detail.reason` of calls whose thread ended before it answered. */
export const threadEnded = 'thread_ended'

interface Pending {
  readonly sizeBytes: number
  readonly timer: Timer
  /** Empty: no call of a table. */
  readonly operation: string
  readonly askedMs: number
  settle(reply: ThreadReply): void
  refuse(error: Error): void
}

/** The main thread's end of the storage thread: a bounded queue of calls, answered first-in-first-out. */
export class StorageThread {
  readonly #worker: Worker
  readonly #limits: ThreadLimits
  readonly #path: string
  /** In the order of the replies. The first one is the opening of the database. */
  readonly #pending: Pending[] = []
  #pendingBytes = 0
  #refusal: AppError | undefined
  #closing: Promise<void> | undefined
  #open = false

  constructor(start: ThreadStart, limits: ThreadLimits) {
    this.#limits = limits
    this.#path = start.path
    const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
    this.#worker = startWorker(entry, start)
    this.#worker.on('message', (reply: ThreadReply) => this.#settle(reply))
    this.#worker.on('error', error => this.#end(error))
    this.#worker.on('exit', () => this.#end(undefined))
  }

  /** To be called first, and once. */
  async open(): Promise<void> {
    try {
      await this.#enqueue(0)
      this.#open = true
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** Calls that wait for their answer. */
  get pending(): { readonly calls: number; readonly sizeBytes: number } {
    return { calls: this.#pending.length, sizeBytes: this.#pendingBytes }
  }

  async call(table: string, operation: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#refusal) throw this.#refusal
    const sizeBytes = argumentSizeBytes(args)
    const { maxPendingBytes, maxPendingCalls } = this.#limits
    if (sizeBytes > maxPendingBytes) {
      const message = `${sizeBytes} bytes are too many for one record: at most ${maxPendingBytes} are stored at once`
      throw new AppError('file_too_large', message, { detail: { sizeBytes, maxPendingBytes } })
    }
    if (this.#pending.length >= maxPendingCalls || this.#pendingBytes + sizeBytes > maxPendingBytes) {
      throw new AppError('overloaded', 'the disk cannot keep up: try again in a few seconds', {
        detail: this.pending,
      })
    }
    this.#send({ kind: 'call', table, operation, args: args.map(withOwnBytes) })
    return this.#enqueue(sizeBytes, `${table}.${operation}`)
  }

  /** Answers all calls before it, then closes the database. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#refusal) return
    this.#refusal = new AppError('storage_failed', 'the store is closed: start the program again')
    const exit = new Promise(resolve => this.#worker.once('exit', resolve))
    this.#send({ kind: 'close' })
    try {
      await this.#enqueue(0)
    } catch (error) {
      this.#worker.unref()
      throw error
    }
    await exit
  }

  /**
   * Lets the thread end when it gets to it, without holding up the end of the program. Not `terminate`: that makes
   * better-sqlite3 abort the whole process when SQLite reports an error at that moment.
   */
  #leave(): void {
    this.#send({ kind: 'close' })
    this.#worker.unref()
  }

  #send(request: ThreadRequest): void {
    this.#worker.postMessage(request)
  }

  #enqueue(sizeBytes: number, operation = ''): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { clock, callTimeoutMs } = this.#limits
      const late = `the disk of ${this.#path} did not answer for ${callTimeoutMs} ms: check the disk or SD card`
      this.#pendingBytes += sizeBytes
      this.#pending.push({
        sizeBytes,
        operation,
        askedMs: performance.now(),
        // The call keeps its place: its reply is still to come, and until then it counts as pending.
        timer: clock.setTimer(callTimeoutMs, () => reject(new AppError('storage_failed', late))),
        settle: reply => (reply.ok ? resolve(reply.value) : reject(fromPlainError(reply.error))),
        refuse: reject,
      })
    })
  }

  #settle(reply: ThreadReply): void {
    const first = this.#pending.shift()
    if (first === undefined) return
    first.timer.cancel()
    this.#pendingBytes -= first.sizeBytes
    first.settle(reply)
    if (first.operation === '') return
    const { statements = { ms: [], slow: [] } } = reply
    const { operation, askedMs } = first
    const failed = !reply.ok && (reply.error.code ?? 'storage_failed') === 'storage_failed'
    this.#limits.onCall?.({ operation, failed, ms: performance.now() - askedMs, statements })
  }

  /** The worker has ended. Unasked, that is a bug or the end of memory, and what waits will never be answered. */
  #end(cause: unknown): void {
    if (this.#refusal && this.#pending.length === 0) return
    const message = 'the storage thread ended unexpectedly: start the program again'
    const failure = new AppError('storage_failed', message, { cause, detail: { reason: threadEnded } })
    const unasked = this.#open && this.#refusal === undefined
    this.#refusal ??= failure
    this.#pendingBytes = 0
    for (const { timer, refuse } of this.#pending.splice(0)) {
      timer.cancel()
      refuse(failure)
    }
    if (unasked) this.#limits.onFailure(failure)
  }
}
