import type { Clock } from '../kernel/clock.ts'
import type { Alerts } from './alerts.ts'
import type { CheckResult } from './health.ts'
import type { QueueReading } from './metrics.ts'
import type { HttpObservation } from './request-metrics.ts'
import { RequestWindow } from './request-window.ts'

/** What is read at each look. */
export interface Readings {
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | undefined
  readonly memory: { readonly rssBytes: number; readonly limitBytes: number | null } | undefined
  readonly queues: readonly QueueReading[]
  /** Of the last look of the health. */
  readonly checks: readonly CheckResult[]
  readonly breakers: readonly {
    readonly name: string
    readonly state: string
    readonly lastFailure: string | null
  }[]
}

const failuresOfBoard = 3
const failuresThatAreCritical = 10
const awayMs = 60_000
const minuteMs = 60_000
/** Of one minute. */
const authFailures = 5
const authFailuresThatAreCritical = 60
/** Fewer requests say nothing about a share of them. */
const fewRequests = 20
/** Boards that are kept in mind. */
const maxBoards = 512
const maxAuthFailures = 1000

/** Secrets that the accounts know nothing of; what a stranger's browser asks without a token is no try. */
const secretRoutes = /^\/api\/v1\/(invites|callbacks)\b/
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

/** What counts as an alert, and when it is over: never at the border at which it began. Pure over the clock. */
export class AlertRules {
  readonly #alerts: Alerts
  readonly #clock: Clock
  readonly #requests: RequestWindow
  readonly #failures = new Map<string, number>()
  readonly #awaySinceMs = new Map<string, number>()
  #authFailuresMs: number[] = []

  constructor(alerts: Alerts, clock: Clock) {
    this.#alerts = alerts
    this.#clock = clock
    this.#requests = new RequestWindow(clock)
  }

  request(outcome: HttpObservation): void {
    this.#requests.note(outcome)
    const { route, status } = outcome
    if ((status === 401 || status === 429) && secretRoutes.test(route)) this.authFailed()
  }

  /** Somebody has shown a wrong secret. */
  authFailed(): void {
    this.#authFailuresMs.push(this.#clock.now())
    if (this.#authFailuresMs.length > maxAuthFailures) this.#authFailuresMs.shift()
    this.#judgeAuth()
  }

  job({ boardId, state }: { readonly boardId: string; readonly state: string }): void {
    const subject = `board ${boardId}`
    if (state === 'done') {
      this.#failures.delete(boardId)
      this.#alerts.clear('repeated_failure', subject)
    }
    if (state !== 'failed' || (this.#failures.size >= maxBoards && !this.#failures.has(boardId))) return
    const count = (this.#failures.get(boardId) ?? 0) + 1
    this.#failures.set(boardId, count)
    if (count < failuresOfBoard) return
    this.#alerts.raise({
      code: 'repeated_failure',
      subject,
      severity: count >= failuresThatAreCritical ? 'CRITICAL' : 'WARNING',
      message: `${count} uploads to this board have failed in a row: pixelgate jobs shows why; check its cable and power.`,
    })
  }

  boardUp(boardId: string): void {
    this.#awaySinceMs.delete(boardId)
    this.#alerts.clear('dependency_unavailable', `board ${boardId}`)
  }

  boardDown(boardId: string): void {
    if (this.#awaySinceMs.size < maxBoards) this.#awaySinceMs.set(boardId, this.#clock.now())
  }

  /** The gateway knows the board no longer. */
  boardForgotten(boardId: string): void {
    this.boardUp(boardId)
    this.#failures.delete(boardId)
    this.#alerts.clear('repeated_failure', `board ${boardId}`)
  }

  look({ disk, memory, queues, checks, breakers }: Readings): void {
    this.#judgeRequests()
    this.#judgeAuth()
    this.#judgeBoards()
    if (disk !== undefined && disk.totalBytes > 0)
      this.#judgeShare('disk', 1 - disk.freeBytes / disk.totalBytes, 'delete files, old backups first')
    if (memory !== undefined && memory.limitBytes !== null && memory.limitBytes > 0)
      this.#judgeShare(
        'memory',
        memory.rssBytes / memory.limitBytes,
        'end other programs, or raise the limit of the service',
      )
    for (const { name, size, limit } of queues)
      this.#judgeShare(
        `queue ${name}`,
        limit > 0 ? size / limit : 0,
        'somebody floods it, or the disk is slow',
      )
    for (const check of checks) this.#judgeCheck(check)
    this.#judgeBreakers(breakers)
  }

  #judgeRequests(): void {
    const { requests, errors, timed, slow } = this.#requests.read()
    const errorShare = requests === 0 ? 0 : errors / requests
    this.#alerts.judge(
      {
        code: 'high_error_rate',
        subject: 'api',
        severity: errorShare > 0.1 ? 'CRITICAL' : 'WARNING',
        message: `${percent(errorShare)} of ${requests} requests in 5 min met a fault of the gateway: its log names them by request id.`,
      },
      { is: requests >= fewRequests && errors > 1 && errorShare > 0.01, still: errorShare > 0.005 },
    )
    const slowShare = timed === 0 ? 0 : slow / timed
    // The 95th percentile is above the limit when more than 5 % of the answers are.
    this.#alerts.judge(
      {
        code: 'slow_answers',
        subject: 'api',
        severity: 'WARNING',
        message: `${percent(slowShare)} of ${timed} answers in 5 min took more than 2.5 s: GET /performance shows which; see the disk and other programs.`,
      },
      { is: timed >= fewRequests && slowShare > 0.05, still: slowShare > 0.025 },
    )
  }

  #judgeAuth(): void {
    const fromMs = this.#clock.now() - minuteMs
    this.#authFailuresMs = this.#authFailuresMs.filter(atMs => atMs > fromMs)
    const count = this.#authFailuresMs.length
    this.#alerts.judge(
      {
        code: 'auth_failures',
        subject: 'accounts',
        severity: count > authFailuresThatAreCritical ? 'CRITICAL' : 'WARNING',
        message: `${count} tries to sign in failed within a minute: the audit log names the addresses.`,
      },
      { is: count > authFailures, still: count > authFailures / 2 },
    )
  }

  #judgeBoards(): void {
    for (const [boardId, sinceMs] of this.#awaySinceMs) {
      if (this.#clock.now() - sinceMs < awayMs) continue
      this.#awaySinceMs.delete(boardId)
      this.#alerts.raise({
        code: 'dependency_unavailable',
        subject: `board ${boardId}`,
        severity: 'INFO',
        message: 'This board has been away for a minute: see its power and cable, and pixelgate ports.',
      })
    }
  }

  #judgeShare(subject: string, share: number, cure: string): void {
    this.#alerts.judge(
      {
        code: 'resource_exhausted',
        subject,
        severity: share >= 0.97 ? 'CRITICAL' : 'WARNING',
        message: `${subject} is ${percent(share)} full: ${cure}.`,
      },
      { is: share >= 0.9, still: share >= 0.85 },
    )
  }

  #judgeCheck({ name, status, message }: CheckResult): void {
    const bad = { is: status !== 'ok', still: status !== 'ok' }
    if (name === 'database' || name === 'broker' || name === 'upstream') {
      const severity = status === 'failed' ? 'CRITICAL' : 'WARNING'
      this.#alerts.judge({ code: 'dependency_unavailable', subject: name, severity, message }, bad)
    }
    if (name === 'backup')
      this.#alerts.judge({ code: 'backup_overdue', subject: 'backup', severity: 'WARNING', message }, bad)
    if (name === 'clock')
      this.#alerts.judge(
        { code: 'clock_unsynchronised', subject: 'clock', severity: 'WARNING', message },
        bad,
      )
  }

  #judgeBreakers(breakers: Readings['breakers']): void {
    const code = 'dependency_unavailable'
    const subjectOf = (name: string): string => `breaker ${name}`
    for (const { name, state, lastFailure } of breakers) {
      const message = `${name} has failed again and again and is not called for now (${lastFailure ?? 'no reason'}): mend it, or reset the breaker.`
      const sign = { code, subject: subjectOf(name), severity: 'WARNING', message } as const
      this.#alerts.judge(sign, { is: state === 'OPEN', still: state !== 'CLOSED' })
    }
    const there = new Set(breakers.map(({ name }) => subjectOf(name)))
    for (const subject of this.#alerts.openSubjects(code))
      if (subject.startsWith('breaker ') && !there.has(subject)) this.#alerts.clear(code, subject)
  }
}
