import { Breakers } from './guard/breakers.ts'
import type { Clock } from './kernel/clock.ts'
import { AppError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import { CpuProfiles } from './ops/cpu-profile.ts'
import { Profiler } from './ops/profiler.ts'
import { SlowStatements } from './ops/slow-statements.ts'
import type { FinishedCall } from './store/storage-thread.ts'
import type { StoreOptions } from './store/store.ts'

/** What looks into the gateway from its first moment on. */
export interface Insight {
  readonly breakers: Breakers
  readonly profiler: Profiler
  readonly slowStatements: SlowStatements
  readonly cpuProfiles: CpuProfiles
  /** For `openStore`. */
  readonly store: Pick<StoreOptions, 'onCall' | 'readerGuard'>
  /** Also hears of each call to the database. */
  onCall(listener: (call: FinishedCall) => void): void
}

/** A call that was refused says nothing against the reader that refused it. */
const readerHasEnded = (error: unknown): boolean =>
  error instanceof AppError && error.detail?.['reason'] === 'thread_ended'

/** Made before anything else is opened. */
export function createInsight(clock: Clock, log: Log): Insight {
  const breakers = new Breakers(clock)
  const profiler = new Profiler(clock)
  const slowStatements = new SlowStatements(clock, log)
  const listeners: ((call: FinishedCall) => void)[] = []
  profiler.start()
  const onCall = (call: FinishedCall): void => {
    const { operation, ms, statements, failed } = call
    profiler.record('storage', operation, ms, failed)
    for (const each of statements.ms) profiler.record('statement', operation, each)
    for (const slow of statements.slow) slowStatements.note(operation, slow)
    for (const listener of listeners) listener(call)
  }
  const readerGuard = breakers.for({ name: 'storage readers', isFailure: readerHasEnded })
  return {
    ...{ breakers, profiler, slowStatements },
    cpuProfiles: new CpuProfiles(clock),
    store: { onCall, readerGuard },
    onCall: listener => void listeners.push(listener),
  }
}
