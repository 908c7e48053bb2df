import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'

export interface RetryOptions {
  readonly clock: Clock
  /** 0 to 1; Math.random when left out. */
  readonly random?: () => number
  /** Before the second, third … attempt; each is varied by up to a quarter, so that many callers do not come at once. */
  readonly delaysMs?: readonly number[]
  /** Whether the same call may succeed a moment later; the faults of networks and full queues when left out. */
  readonly isTransient?: (error: unknown) => boolean
  /** Ends the waiting; the last error is the outcome. */
  readonly signal?: AbortSignal
}

const usualDelaysMs = [100, 200, 400]
const varies = 0.25

/** Error codes of Node and SQLite for what may be over soon. */
const transientCodes = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'ENETUNREACH'],
  ...['EHOSTUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EBUSY', 'EAGAIN', 'SQLITE_BUSY', 'SQLITE_LOCKED'],
  ...['overloaded', 'port_busy', 'link_lost', 'link_failed'],
])

/** Whether the error says by its code that another try may help. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = error instanceof AppError || 'code' in error ? String(error.code) : ''
  return transientCodes.has(code) || (error.cause !== undefined && isTransient(error.cause))
}

/** Tries up to four times, with 0.1, 0.2 and 0.4 s in between. Rejects with the last error, or at once with one that stays. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { delaysMs = usualDelaysMs, random = Math.random, signal } = options
  const mayHelp = options.isTransient ?? isTransient
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      const delayMs = delaysMs[attempt]
      if (delayMs === undefined || signal?.aborted || !mayHelp(error)) throw error
      await pause(options.clock, delayMs * (1 - varies + 2 * varies * random()), signal)
      if (signal?.aborted) throw error
    }
  }
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimer(delayMs, done)
    signal?.addEventListener('abort', done, { once: true })
  })
}
