import { type Clock, systemClock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import { operations, type Tables } from './operations.ts'
import { StorageThread } from './storage-thread.ts'

export const maxPendingCalls = 1024
export const maxPendingBytes = 64 * 1024 * 1024

export interface StoreOptions {
  readonly clock?: Clock
  /** Cap of the database file; without it the disk is the limit. */
  readonly maxBytes?: number
  /** 1,024 calls and 64 MiB of arguments may wait; beyond it a call is refused as `overloaded`. */
  readonly maxPendingCalls?: number
  readonly maxPendingBytes?: number
  /** 30,000: an SD card that collects its garbage may take seconds. */
  readonly callTimeoutMs?: number
  /** 200 at most: one wait for another process's lock. A call waits for ten of them. */
  readonly busyTimeoutMs?: number
  /** The storage thread ended unasked. The program should end as well and be started again. */
  readonly onFailure?: (error: AppError) => void
}

/**
 * The database on a thread of its own, so that no flush of the disk holds up a line or a socket. Calls are answered in
 * the order in which they were made; an answer means that the change is on the disk.
 */
export interface Store extends Tables {
  /** Calls that wait for their answer, for metrics. */
  readonly pending: { readonly calls: number; readonly sizeBytes: number }
  /** Answers the calls before it, then closes the database. May be called again. */
  close(): Promise<void>
}

/** Opens or makes the database at `path`; rejects with AppError `storage_failed` when it must not or cannot be used. */
export async function openStore(path: string, options: StoreOptions = {}): Promise<Store> {
  const thread = new StorageThread(
    { path, busyTimeoutMs: Math.min(options.busyTimeoutMs ?? 200, 200), maxBytes: options.maxBytes },
    {
      clock: options.clock ?? systemClock,
      maxPendingCalls: options.maxPendingCalls ?? maxPendingCalls,
      maxPendingBytes: options.maxPendingBytes ?? maxPendingBytes,
      callTimeoutMs: options.callTimeoutMs ?? 30_000,
      onFailure: options.onFailure ?? (() => undefined),
    },
  )
  await thread.open()
  return {
    ...tablesOf(thread),
    get pending() {
      return thread.pending
    },
    close: () => thread.close(),
  }
}

/** Each operation as a function that sends it to the thread. */
function tablesOf(thread: StorageThread): Tables {
  const tables = Object.entries(operations).map(([table, calls]) => {
    const names = Object.keys(calls)
    const functions = names.map(name => [name, (...args: unknown[]) => thread.call(table, name, args)])
    return [table, Object.fromEntries(functions)]
  })
  return Object.fromEntries(tables)
}
