import type { Clock, Timer } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Notify } from './notify.ts'

/** Something that must answer while the gateway is alive: resolves when it did; rejects, or hangs, when it did not. */
export interface WatchdogCheck {
  /** As it stands in "NAME does not answer". */
  readonly name: string
  run(): Promise<unknown>
}

export interface WatchdogOptions {
  readonly clock: Clock
  readonly log: Log
  /** At least one. */
  readonly checks: readonly WatchdogCheck[]
  readonly notify: Notify
  /** Between two signs of life: a third of the time after which systemd ends the service. */
  readonly periodMs: number
}

export interface Watchdog {
  stop(): void
}

/** Of WATCHDOG_USEC: a round may be missed without harm, so one long stall of an SD card is no death. */
export const feedPeriodMs = (watchdogMs: number): number => watchdogMs / 3

/** A timer that comes later than this shows a loop that does nothing else any more. */
const maxLagMs = 2000
const lagProbeMs = 100

/** Answers while the event loop turns in time. */
export function loopCheck(clock: Clock): WatchdogCheck {
  const run = () =>
    new Promise<void>((resolve, reject) => {
      const dueMs = clock.now() + lagProbeMs
      clock.setTimer(lagProbeMs, () => {
        const lagMs = Math.round(clock.now() - dueMs)
        if (lagMs > maxLagMs) reject(new Error(`it turns ${lagMs} ms late`))
        else resolve()
      })
    })
  return { name: 'the event loop', run }
}

/** Who has answered since the last sign of life, and who cannot. */
export class WatchdogRound {
  readonly #names: readonly string[]
  #owing = new Set<string>()
  readonly #silent = new Set<string>()

  constructor(names: readonly string[]) {
    this.#names = names
  }

  /** Those whose last answer did not come. */
  get silent(): readonly string[] {
    return [...this.#silent]
  }

  /** All owe an answer again, whoever answered in the former round. */
  begin(): void {
    this.#owing = new Set(this.#names)
  }

  /** True when this was the last that was waited for: a sign of life is due. */
  answered(name: string): boolean {
    this.#silent.delete(name)
    return this.#owing.delete(name) && this.#owing.size === 0
  }

  missed(name: string): void {
    this.#silent.add(name)
  }
}

/**
 * Feeds the watchdog of systemd once in a period, but only when all checks have answered since the last time. One that
 * hangs or fails for three periods ends the service, and systemd starts it anew; the log tells beforehand which one it
 * was. A check is given three quarters of a period, so no answer falls into the round after its own.
 */
export function startWatchdog({ clock, log, checks, notify, periodMs }: WatchdogOptions): Watchdog {
  const round = new WatchdogRound(checks.map(({ name }) => name))
  const deadlineMs = (periodMs * 3) / 4
  let timer: Timer | undefined
  let stopped = false
  let wasSilent = false
  let fedMs = clock.now()

  const feed = (): void => {
    fedMs = clock.now()
    if (wasSilent) log.info({}, 'all that the watchdog waits for answers again')
    void notify({ watchdog: true, ...(wasSilent && { status: 'running' }) })
    wasSilent = false
  }
  const missed = (name: string, error: Error): void => {
    wasSilent = true
    round.missed(name)
    const leftS = Math.max(0, Math.round((fedMs + 3 * periodMs - clock.now()) / 1000))
    log.error({ check: name, err: error }, `${name} does not answer: systemd ends the service in ${leftS} s`)
    void notify({ status: `no answer from ${round.silent.join(' and ')}` })
  }
  const ask = async (check: WatchdogCheck): Promise<void> => {
    try {
      const late = `no answer within ${deadlineMs} ms`
      await withDeadline(clock, deadlineMs, check.run(), 'daemon_failed', late)
      if (!stopped && round.answered(check.name)) feed()
    } catch (thrown) {
      if (!stopped) missed(check.name, toError(thrown))
    }
  }
  const turn = (): void => {
    timer = clock.setTimer(periodMs, turn)
    round.begin()
    for (const check of checks) void ask(check)
  }
  turn()
  return {
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}
