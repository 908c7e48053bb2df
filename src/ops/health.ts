import type { Clock, Timer } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { toError } from '../kernel/errors.ts'
import { redactLine } from './redact.ts'

export interface CheckResult {
  readonly name: string
  readonly status: 'ok' | 'warning' | 'failed'
  /** What it found; where it is not ok, what to do. */
  readonly message: string
}

export type Finding = Omit<CheckResult, 'name'>

/** A question to the gateway or its machine. */
export interface HealthCheck {
  readonly name: string
  /** Its part of the score; the weights of docs/operations.md add up to 100. */
  readonly weight: number
  /** Everything hangs on it: when it has failed, the gateway is failing. */
  readonly vital: boolean
  /** Rejecting or taking too long counts as failed. */
  run(): Finding | Promise<Finding>
}

export interface HealthReport {
  readonly status: 'ok' | 'degraded' | 'failing'
  /** 0 to 100. */
  readonly score: number
  readonly version: string
  readonly uptimeSeconds: number
  readonly checks: readonly CheckResult[]
}

type Weighed = Pick<HealthCheck, 'weight' | 'vital'> & Pick<CheckResult, 'status'>

const worth: Readonly<Record<CheckResult['status'], number>> = { ok: 1, warning: 0.5, failed: 0 }

/**
 * Score = round(100 · Σ weight · worth ÷ Σ weight), where ok is worth 1, a warning ½ and a failure 0; halved when a vital
 * check has failed. 100 therefore means that every check is ok. Status: failing when a vital check has failed, degraded
 * when any check is not ok.
 */
export function assess(checks: readonly Weighed[]): Pick<HealthReport, 'status' | 'score'> {
  const whole = checks.reduce((sum, { weight }) => sum + weight, 0)
  const reached = checks.reduce((sum, { weight, status }) => sum + weight * worth[status], 0)
  const failing = checks.some(({ vital, status }) => vital && status === 'failed')
  const share = whole === 0 ? 1 : reached / whole
  // Rounding must not make a warning invisible.
  const score = share === 1 ? 100 : Math.min(99, Math.round(100 * share * (failing ? 0.5 : 1)))
  const degraded = checks.some(({ status }) => status !== 'ok')
  return { status: failing ? 'failing' : degraded ? 'degraded' : 'ok', score }
}

export interface HealthOptions {
  readonly clock: Clock
  readonly version: string
  readonly checks: readonly HealthCheck[]
  readonly deadlineMs?: number
}

/** Anybody on the LAN may ask; the checks touch the disk. */
const rememberedMs = 1_000
const lookEveryMs = 10_000
const defaultDeadlineMs = 3_000

/** Runs the checks when somebody asks, and every 10 s for those who listen. */
export class Health {
  readonly #options: HealthOptions
  readonly #startedMs: number
  readonly #listeners = new Set<(report: HealthReport) => void>()
  #last: { readonly report: HealthReport; readonly atMs: number } | undefined
  #running: Promise<HealthReport> | undefined
  #timer: Timer | undefined

  constructor(options: HealthOptions) {
    this.#options = options
    this.#startedMs = options.clock.now()
  }

  /** What was found last, if anything was. */
  get last(): HealthReport | undefined {
    return this.#last?.report
  }

  /** The state now; findings of the last second are told again. Never rejects. */
  check(): Promise<HealthReport> {
    const { clock } = this.#options
    if (this.#last !== undefined && clock.now() - this.#last.atMs < rememberedMs)
      return Promise.resolve(this.#last.report)
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Called when the status of the gateway or of a check has changed. */
  onChange(listener: (report: HealthReport) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  start(): void {
    this.#timer = this.#options.clock.setTimer(lookEveryMs, () => {
      this.start()
      void this.check()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #look(): Promise<HealthReport> {
    const { clock, version, checks } = this.#options
    const results = await Promise.all(checks.map(check => this.#run(check)))
    const report: HealthReport = {
      ...assess(results),
      version,
      uptimeSeconds: Math.floor((clock.now() - this.#startedMs) / 1000),
      checks: results.map(({ name, status, message }) => ({ name, status, message })),
    }
    const before = this.#last?.report
    this.#last = { report, atMs: clock.now() }
    if (before === undefined || statuses(before) !== statuses(report))
      for (const listener of [...this.#listeners]) listener(report)
    return report
  }

  async #run(check: HealthCheck): Promise<HealthCheck & CheckResult> {
    const { clock, deadlineMs = defaultDeadlineMs } = this.#options
    const late = `no answer within ${deadlineMs / 1000} s`
    try {
      const work = Promise.resolve().then(() => check.run())
      const { status, message } = await withDeadline(clock, deadlineMs, work, 'daemon_failed', late)
      return { ...check, status, message: redactLine(message) }
    } catch (thrown) {
      return { ...check, status: 'failed', message: redactLine(toError(thrown).message) }
    }
  }
}

const statuses = ({ status, checks }: HealthReport): string =>
  [status, ...checks.map(check => `${check.name} ${check.status}`)].join()
