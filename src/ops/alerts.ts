import { retry } from '../guard/retry.ts'
import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { AlertSeverity, AlertRecord as StoredAlert } from '../store/tables/alerts.ts'

export type AlertCode =
  | 'repeated_failure'
  | 'high_error_rate'
  | 'slow_answers'
  | 'auth_failures'
  | 'resource_exhausted'
  | 'dependency_unavailable'
  | 'backup_overdue'
  | 'clock_unsynchronised'

export type AlertRecord = StoredAlert & { readonly code: AlertCode }

/** What is so now. */
export interface Sign {
  readonly code: AlertCode
  /** What it is about; one alert of a code and a subject is open at a time. */
  readonly subject: string
  readonly severity: AlertSeverity
  /** What was found and what to do. */
  readonly message: string
}

export interface AlertEvents {
  readonly 'alert.raised': AlertRecord
  readonly 'alert.cleared': AlertRecord
  /** Every change: also a higher severity, other words, and that somebody has seen it. */
  readonly 'alert.changed': AlertRecord
}

export interface AlertsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly events: Bus<AlertEvents>
  readonly store: {
    list(): Promise<readonly StoredAlert[]>
    put(alert: StoredAlert, forget: readonly string[]): Promise<void>
  }
}

const maxAlerts = 1000
const maxOpen = 500
const rank: Readonly<Record<AlertSeverity, number>> = { INFO: 0, WARNING: 1, CRITICAL: 2 }

/**
 * The alerts of the gateway: each is raised once, stays until its cause has gone, and is kept. They are in memory as a whole,
 * so that a database that fails can be told of as well.
 */
export class Alerts {
  readonly #options: AlertsOptions
  /** In order of raising. */
  readonly #all = new Map<string, AlertRecord>()
  readonly #open = new Map<string, string>()

  constructor(options: AlertsOptions) {
    this.#options = options
  }

  /** Takes up those of earlier runs; what is open stays so until its cause is seen to have gone. */
  async load(): Promise<void> {
    for (const stored of await this.#options.store.list()) {
      const alert = stored as AlertRecord
      this.#all.set(alert.id, alert)
      if (alert.clearedMs === null) this.#open.set(keyOf(alert), alert.id)
    }
  }

  isOpen(code: AlertCode, subject: string): boolean {
    return this.#open.has(keyOf({ code, subject }))
  }

  /** Subjects of a code that are open. */
  openSubjects(code: AlertCode): readonly string[] {
    return this.list().flatMap(alert =>
      alert.code === code && alert.clearedMs === null ? [alert.subject] : [],
    )
  }

  /** Newest first. */
  list(): readonly AlertRecord[] {
    return [...this.#all.values()].reverse()
  }

  /** Open ones of each severity. */
  counts(): Readonly<Record<AlertSeverity, number>> {
    const counts = { INFO: 0, WARNING: 0, CRITICAL: 0 }
    for (const id of this.#open.values()) {
      const alert = this.#all.get(id)
      if (alert !== undefined) counts[alert.severity] += 1
    }
    return counts
  }

  /** New, or worse than before; while it is open it never becomes milder. */
  raise({ code, subject, severity, message }: Sign): void {
    const known = this.#all.get(this.#open.get(keyOf({ code, subject })) ?? '')
    if (known !== undefined) {
      if (rank[severity] > rank[known.severity])
        this.#change({ ...known, severity, message, acknowledgedMs: null, acknowledgedBy: null })
      return
    }
    if (this.#open.size >= maxOpen) return
    const raisedMs = this.#options.clock.wallTime()
    const alert: AlertRecord = {
      ...{ id: uuidV7(raisedMs), code, subject, severity, message, raisedMs },
      ...{ clearedMs: null, acknowledgedMs: null, acknowledgedBy: null },
    }
    this.#open.set(keyOf(alert), alert.id)
    this.#options.log.warn({ alert: code, subject, severity, reason: message }, 'an alert was raised')
    this.#change(alert)
    this.#options.events.emit('alert.raised', alert)
  }

  /** Its cause has gone; nothing happens where there is none. */
  clear(code: AlertCode, subject: string): void {
    const key = keyOf({ code, subject })
    const known = this.#all.get(this.#open.get(key) ?? '')
    if (known === undefined) return
    this.#open.delete(key)
    const cleared = { ...known, clearedMs: this.#options.clock.wallTime() }
    this.#options.log.info({ alert: code, subject }, 'an alert was cleared')
    this.#change(cleared)
    this.#options.events.emit('alert.cleared', cleared)
  }

  /** Raised where it is so; an open one is cleared only where not even `still` is. */
  judge(sign: Sign, { is, still }: { readonly is: boolean; readonly still: boolean }): void {
    if (is || (still && this.isOpen(sign.code, sign.subject))) this.raise(sign)
    else this.clear(sign.code, sign.subject)
  }

  /** Somebody has seen it. Throws `not_found`. */
  acknowledge(id: string, who: string): { readonly before: AlertRecord; readonly after: AlertRecord } {
    const before = this.#all.get(id)
    if (before === undefined) throw new AppError('not_found', 'There is no alert with this id.')
    if (before.acknowledgedMs !== null) return { before, after: before }
    const after = { ...before, acknowledgedMs: this.#options.clock.wallTime(), acknowledgedBy: who }
    this.#change(after)
    return { before, after }
  }

  #change(alert: AlertRecord): void {
    this.#all.set(alert.id, alert)
    const forget = this.#tooMany()
    for (const id of forget) this.#all.delete(id)
    const { clock, store, log, events } = this.#options
    // What a later attempt writes is what the alert has become meanwhile.
    retry(() => store.put(this.#all.get(alert.id) ?? alert, forget), { clock }).catch((thrown: unknown) => {
      log.error(
        { err: toError(thrown), alert: alert.code },
        'an alert could not be kept; it is in memory only',
      )
    })
    events.emit('alert.changed', alert)
  }

  /** The oldest that are cleared, beyond what is kept. */
  #tooMany(): readonly string[] {
    const cleared = [...this.#all.values()].filter(({ clearedMs }) => clearedMs !== null)
    return cleared.slice(0, Math.max(0, this.#all.size - maxAlerts)).map(({ id }) => id)
  }
}

const keyOf = ({ code, subject }: { readonly code: string; readonly subject: string }): string =>
  `${code} ${subject}`
