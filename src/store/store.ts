import { statSync } from 'node:fs'
import { type Clock, systemClock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { Operation } from './operation.ts'
import { operations, type Tables } from './operations.ts'
import { type ReaderGuard, type ReaderStats, Readers } from './readers.ts'
import { type FinishedCall, StorageThread } from './storage-thread.ts'

export const maxPendingCalls = 1024
export const maxPendingBytes = 64 * 1024 * 1024
export const maxPendingReads = 256
const readersFromBytes = 4 * 1024 * 1024

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
  /** After each call that was answered, for the profiler. */
  readonly onCall?: (call: FinishedCall) => void
  /** 2: connections for long reads, started when they are needed. */
  readonly maxReaders?: number
  /** 256: long reads that may wait; beyond it a call is refused as `overloaded`. */
  readonly maxPendingReads?: number
  /** 60,000: a reader that nobody needs ends. */
  readonly readerIdleMs?: number
  /** 4 MiB: in a smaller database every read is short, and stays with the writer. */
  readonly readersFromBytes?: number
  /** What keeps calls away from readers that end again and again. */
  readonly readerGuard?: ReaderGuard
}

/**
 * The database on a thread of its own, so that no flush of the disk holds up a line or a socket. Calls are answered in
 * the order in which they were made; an answer means that the change is on the disk.
 */
export interface Store extends Tables {
  /** Calls that wait for their answer, for metrics. */
  readonly pending: { readonly calls: number; readonly sizeBytes: number }
  /** The connections for long reads, for metrics and health. */
  readonly readers: ReaderStats
  /** Answers the calls before it, then closes the database. May be called again. */
  close(): Promise<void>
}

/** Opens or makes the database at `path`; rejects with AppError `storage_failed` when it must not or cannot be used. */
export async function openStore(path: string, options: StoreOptions = {}): Promise<Store> {
  const { clock = systemClock, maxBytes, onCall } = options
  const start = { path, busyTimeoutMs: Math.min(options.busyTimeoutMs ?? 200, 200), maxBytes }
  const limits = {
    clock,
    maxPendingBytes: options.maxPendingBytes ?? maxPendingBytes,
    callTimeoutMs: options.callTimeoutMs ?? 30_000,
    ...(onCall && { onCall }),
  }
  const writer = new StorageThread(
    { ...start, role: 'writer' },
    {
      ...limits,
      maxPendingCalls: options.maxPendingCalls ?? maxPendingCalls,
      onFailure: options.onFailure ?? (() => undefined),
    },
  )
  await writer.open()
  const readers = new Readers(
    { ...start, role: 'reader' },
    {
      ...limits,
      maxReaders: options.maxReaders ?? 2,
      maxPendingCalls: options.maxPendingReads ?? maxPendingReads,
      idleMs: options.readerIdleMs ?? 60_000,
      guard: options.readerGuard,
    },
  )
  const closeBoth = () => Promise.all([readers.close(), writer.close()]).then(() => undefined)
  const isLarge = sizeProbe(path, options.readersFromBytes ?? readersFromBytes)
  return {
    ...tablesOf((table, name, { long }, args) =>
      long && isLarge() ? readers.call(table, name, args) : writer.call(table, name, args),
    ),
    get pending() {
      return writer.pending
    },
    get readers() {
      return readers.stats()
    },
    // The writer tidies up after the last reader has gone.
    close: () => (readers.stats().open === 0 ? closeBoth() : readers.close().then(closeBoth)),
  }
}

/** Whether the file has reached that size; asks the disk until it has. */
function sizeProbe(path: string, fromBytes: number): () => boolean {
  let large = fromBytes === 0
  return () => {
    large ||= (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= fromBytes
    return large
  }
}

type Call = (
  table: string,
  operation: string,
  how: Pick<Operation<never[], unknown>, 'long'>,
  args: readonly unknown[],
) => Promise<unknown>

/** Each operation as a function that sends it to a thread. */
function tablesOf(call: Call): Tables {
  const tables = Object.entries(operations).map(([table, calls]) => {
    const functions = Object.entries(calls).map(([name, operation]) => [
      name,
      (...args: unknown[]) => call(table, name, operation, args),
    ])
    return [table, Object.fromEntries(functions)]
  })
  return Object.fromEntries(tables)
}
