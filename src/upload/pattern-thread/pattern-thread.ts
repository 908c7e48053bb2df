import type { Worker } from 'node:worker_threads'
import { Gate } from '../../guard/gate.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { defaultLimits, type PatternLimits } from '../../pattern/limits.ts'
import { withOwnBytes } from '../../store/argument-size.ts'
import { startWorker } from '../../store/start-worker.ts'
import { fromPlainError } from '../../store/thread-messages.ts'
import { copyInSteps } from './copy-in-steps.ts'
import { isLight } from './light-work.ts'
import { doWork, type PatternWork, type WorkResult } from './pattern-work.ts'
import type { PatternReply, PatternRequest } from './pattern-worker.ts'

/** The bytes of a file: they stay the caller's, or are fetched when it is their turn and then handed over. */
export type Source = Uint8Array | (() => Promise<Uint8Array>)

/** What somebody looks at or waits for at a prompt. */
const lookTimeoutMs = 20_000
/** 64 MB of noise take 7 s on a PC and a minute on a Pi. */
const prepareTimeoutMs = 180_000
/** A thread costs about 50 ms to start and 10 MB while it is there. */
const idleMs = 15_000
const defaultHoldMs = 3
const looksWaiting = 32
/** A board prepares one job at a time, and there are no more unfinished jobs than this. */
const jobsWaiting = 1000

const busy = 'Too many files are being read at this moment. Try again in a few seconds.'
const stopping = () =>
  new AppError('overloaded', 'The gateway is stopping. Try again when it has been started.')

/**
 * Reads, draws and compiles patterns beside the main thread, which drives the serial lines: a large GIF takes a few hundred
 * milliseconds, which no line must feel. The thread is there while there is work. One task at a time, jobs and what
 * people look at by turns; only the file whose turn it is is in memory.
 */
export class PatternThread {
  readonly #clock: Clock
  readonly #maxHoldMs: number
  readonly #limits: PatternLimits
  readonly #start: () => Worker
  readonly #looks = new Gate({ running: 1, waiting: looksWaiting, message: busy })
  readonly #jobs = new Gate({ running: 1, waiting: jobsWaiting, message: busy })
  /** One of the looks and one of the jobs come here, and go by turns. */
  readonly #turn = new Gate({ running: 1, waiting: 1, message: busy })
  #worker: Worker | undefined
  #idle: Timer | undefined
  #pending = 0
  #closed = false

  /** `maxHoldMs`: what takes no longer than this is done at once, on the caller's thread. */
  constructor(parts: {
    readonly clock: Clock
    readonly maxHoldMs?: number | undefined
    readonly limits?: PatternLimits | undefined
    readonly start?: () => Worker
  }) {
    const { clock, maxHoldMs = defaultHoldMs, limits = defaultLimits, start = startPatternWorker } = parts
    this.#clock = clock
    this.#maxHoldMs = maxHoldMs
    this.#limits = limits
    this.#start = start
  }

  get running(): boolean {
    return this.#worker !== undefined
  }

  /** Tasks that have no answer yet, and threads that have been told to end. */
  get pending(): number {
    return this.#pending
  }

  /**
   * Rejects as the work throws; with `file_too_large` when it takes too long or too much memory; with `overloaded` when
   * too many wait or the thread is closed.
   */
  async run<W extends PatternWork>(source: Source, task: W): Promise<WorkResult<W>> {
    if (this.#closed) throw stopping()
    if (source instanceof Uint8Array && this.#isLight(source, task)) return doWork(source, task, this.#limits)
    const lane = task.work === 'prepare' ? this.#jobs : this.#looks
    this.#pending += 1
    try {
      return await lane.run(() => this.#turn.run(() => this.#work(source, task)))
    } finally {
      this.#pending -= 1
    }
  }

  /** Ends the thread for good; what has no answer yet rejects. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  async #work<W extends PatternWork>(source: Source, task: W): Promise<WorkResult<W>> {
    if (this.#closed) throw stopping()
    const bytes = source instanceof Uint8Array ? await copyInSteps(source) : await source()
    if (this.#closed) throw stopping()
    if (typeof source === 'function' && this.#isLight(bytes, task)) return doWork(bytes, task, this.#limits)
    this.#idle?.cancel()
    this.#worker ??= this.#begin()
    const worker = this.#worker
    worker.ref()
    try {
      return (await this.#ask(worker, withOwnBytes(bytes) as Uint8Array, task)) as WorkResult<W>
    } finally {
      worker.unref()
      if (this.#worker !== undefined) this.#idle = this.#clock.setTimer(idleMs, () => void this.#end())
    }
  }

  #isLight(source: Uint8Array, task: PatternWork): boolean {
    return isLight(source, task, this.#maxHoldMs, this.#limits)
  }

  /** One that dies is replaced by the next task. */
  #begin(): Worker {
    const worker = this.#start()
    const drop = () => {
      if (this.#worker === worker) this.#worker = undefined
    }
    return worker.on('error', drop).on('exit', drop)
  }

  async #end(): Promise<void> {
    this.#idle?.cancel()
    const worker = this.#worker
    this.#worker = undefined
    if (worker === undefined) return
    this.#pending += 1
    await worker.terminate()
    this.#pending -= 1
  }

  #ask(worker: Worker, source: Uint8Array, task: PatternWork): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = this.#clock.setTimer(task.work === 'prepare' ? prepareTimeoutMs : lookTimeoutMs, () => {
        void this.#end()
        settle(new AppError('file_too_large', 'The file takes too long to read. Use a shorter pattern.'))
      })
      const settle = (outcome: PatternReply | Error) => {
        late.cancel()
        worker.off('message', settle).off('error', settle).off('exit', gone)
        if (outcome instanceof Error) reject(explained(outcome))
        else if (outcome.ok) resolve(outcome.value)
        else reject(fromPlainError(outcome.error))
      }
      const gone = () =>
        settle(
          this.#closed ? stopping() : new AppError('overloaded', 'The reading was broken off. Ask again.'),
        )
      worker.on('message', settle).on('error', settle).on('exit', gone)
      const request: PatternRequest = { source, task, limits: this.#limits }
      worker.postMessage(request, [source.buffer as ArrayBuffer])
    })
  }
}

function startPatternWorker(): Worker {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return startWorker(new URL(`./pattern-worker.${suffix}`, import.meta.url), undefined)
}

/** A file that wants all the memory costs the thread, and not the gateway. */
function explained(error: Error): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') return error
  const message = 'The file takes more memory than there is. Use a shorter pattern.'
  return new AppError('file_too_large', message, { cause: error })
}
