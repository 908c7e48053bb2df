import type { Clock, Timer } from '../../kernel/clock.ts'
import type { GatewayStatsPayload } from '../../wire/home-assistant.ts'

const soonMs = 1000
/** What no message tells of. */
const everyMs = 30_000

/** Tells the numbers of the gateway: a second after one of them has changed, and every half minute. */
export class GatewayStats {
  readonly #clock: Clock
  readonly #tell: () => void
  #timer: Timer | undefined
  #dueMs = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(clock: Clock, tell: () => void) {
    this.#clock = clock
    this.#tell = tell
  }

  start(): void {
    this.#due(everyMs)
  }

  changed(): void {
    this.#due(soonMs)
  }

  /** For good. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #due(inMs: number): void {
    const dueMs = this.#clock.now() + inMs
    if (this.#stopped) return
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return
    this.#timer?.cancel()
    this.#dueMs = dueMs
    this.#timer = this.#clock.setTimer(inMs, () => {
      this.#timer = undefined
      this.#tell()
      this.#due(everyMs)
    })
  }
}

export interface Counted {
  readonly online: ReadonlySet<string>
  readonly running: ReadonlySet<string>
  readonly clients: ReadonlySet<string>
}

export const statsOf = (
  boards: number,
  { online, running, clients }: Counted,
  health: string | undefined,
): GatewayStatsPayload => ({
  boards,
  boardsOnline: online.size,
  uploadsRunning: running.size,
  mqttClients: clients.size,
  health: health ?? 'unknown',
})
