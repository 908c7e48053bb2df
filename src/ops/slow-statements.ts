import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { SlowStatement } from '../store/statement-meter.ts'

export interface NotedStatement extends SlowStatement {
  readonly operation: string
  /** Wall time. */
  readonly atMs: number
}

const everyMs = 60_000
const kept = 50

/** Says once a minute and operation which statement was slow and what would help; keeps the last fifty. */
export class SlowStatements {
  readonly #clock: Clock
  readonly #log: Log
  readonly #toldMs = new Map<string, number>()
  readonly #unsaid = new Map<string, number>()
  readonly #last: NotedStatement[] = []

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  note(operation: string, statement: SlowStatement): void {
    this.#last.push({ ...statement, operation, atMs: this.#clock.wallTime() })
    if (this.#last.length > kept) this.#last.shift()
    const toldMs = this.#toldMs.get(operation)
    if (toldMs !== undefined && this.#clock.now() - toldMs < everyMs) {
      this.#unsaid.set(operation, (this.#unsaid.get(operation) ?? 0) + 1)
      return
    }
    const { sql, ms, plan, hint } = statement
    const since = this.#unsaid.get(operation) ?? 0
    this.#log.warn(
      { operation, durationMs: Math.round(ms), sql, plan, hint, moreSinceTheLast: since },
      'a statement of the database was slow',
    )
    this.#toldMs.set(operation, this.#clock.now())
    this.#unsaid.delete(operation)
  }

  /** Newest first. */
  list(): readonly NotedStatement[] {
    return this.#last.toReversed()
  }

  clear(): void {
    this.#last.length = 0
  }
}
