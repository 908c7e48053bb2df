import type { Worker } from 'node:worker_threads'
import { AppError } from '../../kernel/errors.ts'
import { startWorker } from '../start-worker.ts'
import { fromPlainError } from '../thread-messages.ts'
import type { OutboxCalls, OutboxReply, OutboxRequest } from './outbox-calls.ts'

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

type Answer<K extends keyof OutboxCalls> = ReturnType<OutboxCalls[K]>

/** The main thread's end of the outbox's thread. Calls are answered first-in-first-out; callers bound how many they have under way. */
export class OutboxThread {
  readonly #worker: Worker
  readonly #pending: Pending[] = []
  #refusal: AppError | undefined
  #closing: Promise<void> | undefined
  #damaged: string | undefined

  private constructor(path: string) {
    const name = import.meta.url.endsWith('.ts') ? './outbox-worker.ts' : './outbox-worker.js'
    this.#worker = startWorker(new URL(name, import.meta.url), { path })
    this.#worker.on('message', (reply: OutboxReply) => this.#settle(reply))
    this.#worker.on('error', error => this.#end(error))
    this.#worker.on('exit', () => this.#end(undefined))
  }

  /** Rejects with `storage_failed` when the file can neither be opened nor made. */
  static async open(path: string): Promise<OutboxThread> {
    const thread = new OutboxThread(path)
    thread.#damaged = (await thread.#wait()) as string | undefined
    return thread
  }

  /** Where a damaged file was moved when this one was made in its place. */
  get damaged(): string | undefined {
    return this.#damaged
  }

  async call<K extends keyof OutboxCalls>(call: K, ...args: Parameters<OutboxCalls[K]>): Promise<Answer<K>> {
    if (this.#refusal !== undefined) throw this.#refusal
    this.#post({ call, args })
    return (await this.#wait()) as Answer<K>
  }

  /** After all calls before it. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#refusal !== undefined) return
    this.#refusal = new AppError('storage_failed', 'the outbox is closed: start the program again')
    this.#post({ call: 'close' })
    await this.#wait()
  }

  #post(request: OutboxRequest): void {
    this.#worker.postMessage(request)
  }

  #wait(): Promise<unknown> {
    return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }))
  }

  #settle(reply: OutboxReply): void {
    const first = this.#pending.shift()
    if (reply.ok) first?.resolve(reply.value)
    else first?.reject(fromPlainError(reply.error))
  }

  #end(cause: unknown): void {
    const message = 'the thread of the outbox ended unexpectedly: start the program again'
    this.#refusal ??= new AppError('storage_failed', message, { cause })
    for (const { reject } of this.#pending.splice(0)) reject(this.#refusal)
  }
}
