import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { BackupInfo } from '../store/backup-file.ts'
import type { Backups } from '../store/backups.ts'
import type { BackupReading } from './health-checks.ts'
import { clockIsSet, lastLocalTime } from './wall-clock.ts'

export interface NightlyOptions {
  readonly backups: Pick<Backups, 'make' | 'list'>
  readonly clock: Clock
  readonly log: Log
  readonly nightly: boolean
  /** Local time, `HH:MM`. */
  readonly at: string
}

/** The wall clock is looked at each minute: timers stand still while the machine sleeps, and the clock may be set. */
const lookEveryMs = 60_000
/** What was missed while the gateway was off is made up for, but not while it is just starting. */
const settleMs = 5 * 60_000
const retryMs = 60 * 60_000

/** Makes a backup each night. It keeps no plan: the newest nightly backup says whether one is due. */
export class NightlyBackup {
  readonly #options: NightlyOptions
  readonly #startedMs: number
  #timer: Timer | undefined
  /** Wall time at which the clock was first seen to be set. */
  #sinceMs: number | undefined
  #notBeforeMs: number
  #trouble: string | undefined
  #busy = false

  constructor(options: NightlyOptions) {
    this.#options = options
    this.#startedMs = options.clock.now()
    this.#notBeforeMs = this.#startedMs
  }

  /** Why the last one failed; undefined: it did not. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** For the health check. */
  async read(): Promise<BackupReading> {
    const { backups, nightly } = this.#options
    return { nightly, list: await backups.list(), trouble: this.#trouble }
  }

  start(): void {
    if (!this.#options.nightly) return
    this.#timer = this.#options.clock.setTimer(lookEveryMs, () => {
      this.start()
      void this.#look()
    })
    this.#noteClock()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #noteClock(): number | undefined {
    const wallMs = this.#options.clock.wallTime()
    if (!clockIsSet(wallMs)) return undefined
    this.#sinceMs = Math.min(this.#sinceMs ?? wallMs, wallMs)
    return wallMs
  }

  async #look(): Promise<void> {
    const { backups, clock, log, at } = this.#options
    const wallMs = this.#noteClock()
    if (wallMs === undefined || this.#busy || clock.now() < this.#notBeforeMs) return
    this.#busy = true
    try {
      const dueMs = lastLocalTime(at, wallMs)
      const before = newestNightly(await backups.list(), wallMs)
      if (dueMs <= (before ?? this.#sinceMs ?? wallMs)) return
      // On time it begins at once; what is made up for waits until the start is over.
      if (wallMs - dueMs > 2 * lookEveryMs && clock.now() - this.#startedMs < settleMs) return
      const { path, sizeBytes, durationMs } = await backups.make('nightly')
      this.#trouble = undefined
      log.info({ path, sizeBytes, durationMs }, 'the nightly backup was made and proved')
    } catch (thrown) {
      const error = toError(thrown)
      // Stopped with the gateway: the next start makes up for it.
      if (error instanceof AppError && error.code === 'cancelled') return
      this.#trouble = error.message
      this.#notBeforeMs = clock.now() + retryMs
      log.error({ err: error }, 'the nightly backup failed; it is tried again in an hour')
    } finally {
      this.#busy = false
    }
  }
}

/** One from the future was made while the clock was wrong, and says nothing about today. */
const newestNightly = (list: readonly BackupInfo[], nowMs: number): number | undefined =>
  list.find(({ kind, createdMs }) => kind === 'nightly' && createdMs <= nowMs)?.createdMs
