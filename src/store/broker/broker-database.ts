import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { startWorker } from '../start-worker.ts'
import { fromPlainError } from '../thread-messages.ts'
import { type BrokerState, emptyBrokerState } from './broker-state.ts'
import type { BrokerReply, BrokerRequest } from './broker-worker.ts'
import type { BrokerFile } from './broker-writer.ts'
import { type Change, packChanges } from './changes.ts'

export interface BrokerDatabaseOptions extends BrokerFile {
  readonly clock: Clock
  /** A file that could not be used was moved aside. */
  readonly onSetAside: (reason: string) => void
  /** The file could not be put in order when its thread ended; what was committed is in its WAL still. */
  readonly onCloseFailed: (thrown: unknown) => void
}

/** A thread costs some megabytes: without work for so long it ends. */
const idleMs = 60_000

interface Thread {
  readonly worker: Worker
  /** In the order of the replies. */
  readonly asked: { resolve(reply: BrokerReply): void; reject(error: Error): void }[]
}

/** The main thread's end of broker.db. Its thread runs only while there is something to do. */
export class BrokerDatabase {
  readonly #options: BrokerDatabaseOptions
  #thread: Thread | undefined
  #idle: Timer | undefined

  constructor(options: BrokerDatabaseOptions) {
    this.#options = options
  }

  /** Whether a thread is there now. */
  get running(): boolean {
    return this.#thread !== undefined
  }

  /** Everything that is kept; no thread is started where there is no file. Rejects where the file cannot be opened. */
  async read(): Promise<BrokerState> {
    if (!existsSync(this.#options.path)) return emptyBrokerState
    const { state } = await this.#ask({ kind: 'read' })
    return state ?? emptyBrokerState
  }

  /** All or nothing, and on the disk when it resolves. Calls are carried out one after the other. */
  async write(changes: readonly Change[]): Promise<void> {
    const packed = packChanges(changes)
    await this.#ask({ kind: 'write', packed }, [packed.bytes.buffer])
  }

  /** Moves the file aside and begins an empty one. */
  async renew(reason: string): Promise<void> {
    await this.#ask({ kind: 'renew', reason })
  }

  /** Files that were moved aside and are still there. */
  setAside(): readonly string[] {
    const name = `${basename(this.#options.path)}.damaged-`
    try {
      return readdirSync(dirname(this.#options.path)).filter(
        file => file.startsWith(name) && !/-(wal|shm)$/.test(file),
      )
    } catch {
      return []
    }
  }

  /** After what was asked for before. */
  async close(): Promise<void> {
    this.#idle?.cancel()
    const thread = this.#thread
    if (thread === undefined) return
    this.#thread = undefined
    const exit = new Promise(resolve => thread.worker.once('exit', resolve))
    await Promise.all([exit, this.#send(thread, { kind: 'close' })])
  }

  #ask(request: BrokerRequest, transfer: ArrayBuffer[] = []): Promise<BrokerReply> {
    this.#idle?.cancel()
    this.#thread ??= this.#start()
    return this.#send(this.#thread, request, transfer)
  }

  #send(
    { worker, asked }: Thread,
    request: BrokerRequest,
    transfer: ArrayBuffer[] = [],
  ): Promise<BrokerReply> {
    return new Promise((resolve, reject) => {
      asked.push({ resolve, reject })
      worker.postMessage(request, transfer)
    })
  }

  #start(): Thread {
    const { clock: _, onSetAside: __, onCloseFailed: ___, ...file } = this.#options
    const entry = new URL(
      import.meta.url.endsWith('.ts') ? './broker-worker.ts' : './broker-worker.js',
      import.meta.url,
    )
    const worker = startWorker(entry, file)
    const thread: Thread = { worker, asked: [] }
    worker.on('message', (reply: BrokerReply) => this.#answered(thread, reply))
    const ended = (cause?: unknown) => {
      if (this.#thread === thread) this.#thread = undefined
      const message = `the thread of ${file.path} ended unexpectedly: the next message starts it again`
      const error = new AppError('storage_failed', message, { cause, detail: { reason: threadEnded } })
      for (const { reject } of thread.asked.splice(0)) reject(error)
    }
    worker.on('error', ended)
    worker.on('exit', () => ended())
    return thread
  }

  #answered(thread: Thread, { state, error, setAside }: BrokerReply): void {
    for (const reason of setAside) this.#options.onSetAside(reason)
    const asked = thread.asked.shift()
    if (error !== undefined) asked?.reject(fromPlainError(error))
    else asked?.resolve({ setAside, ...(state && { state }) })
    if (thread.asked.length > 0 || this.#thread !== thread) return
    this.#idle?.cancel()
    const { clock, onCloseFailed } = this.#options
    this.#idle = clock.setTimer(idleMs, () => void this.close().catch(onCloseFailed))
  }
}

/** `detail.reason` when nobody knows whether the last changes are on the disk. */
export const threadEnded = 'thread_ended'
