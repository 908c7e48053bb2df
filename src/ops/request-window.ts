import type { Clock } from '../kernel/clock.ts'
import type { HttpObservation } from './request-metrics.ts'

const slotMs = 10_000
const slots = 30
/** R30: what an answer may take. */
export const slowMs = 2500

interface Slot {
  /** Number of its ten seconds since the start of the clock. */
  at: number
  requests: number
  errors: number
  timed: number
  slow: number
}

/** They say that the gateway is ill, and are no sign of it themselves. */
const reports = new Set(['/api/v1/health'])
/** They take as long as the caller's line, or as long as was asked for. */
const waits = /^\/api\/v1\/(files|patterns|backups|batch|performance|events|debug)\b|^(static|unmatched)$/

/** The requests of the last five minutes, in slots of ten seconds. */
export class RequestWindow {
  readonly #clock: Clock
  readonly #slots: Slot[] = Array.from({ length: slots }, () => empty(-1))

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note({ route, status, durationMs }: HttpObservation): void {
    if (reports.has(route)) return
    const at = Math.floor(this.#clock.now() / slotMs)
    let slot = this.#slots[at % slots]
    if (slot?.at !== at) {
      slot = empty(at)
      this.#slots[at % slots] = slot
    }
    slot.requests += 1
    if (status >= 500) slot.errors += 1
    if (waits.test(route)) return
    slot.timed += 1
    if (durationMs > slowMs) slot.slow += 1
  }

  /** `timed` are those of `requests` whose time says something about the gateway; `slow` of them took more than 2.5 s. */
  read(): Omit<Slot, 'at'> {
    const oldest = Math.floor(this.#clock.now() / slotMs) - slots
    const sum = empty(0)
    for (const slot of this.#slots) {
      if (slot.at <= oldest) continue
      sum.requests += slot.requests
      sum.errors += slot.errors
      sum.timed += slot.timed
      sum.slow += slot.slow
    }
    const { requests, errors, timed, slow } = sum
    return { requests, errors, timed, slow }
  }
}

const empty = (at: number): Slot => ({ at, requests: 0, errors: 0, timed: 0, slow: 0 })
