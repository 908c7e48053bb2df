/** Names and lengths of the windows, as mosquitto has them. */
export const loadWindows = { '1min': 60_000, '5min': 300_000, '15min': 900_000 } as const
export type LoadWindow = keyof typeof loadWindows

/** How much of something there is in a minute, averaged over 1, 5 and 15 minutes with weights that decay. */
export class LoadAverage {
  #total: number
  #updatedMs: number
  readonly #perMinute: Record<LoadWindow, number> = { '1min': 0, '5min': 0, '15min': 0 }

  /** `total` is where the count begins. */
  constructor(nowMs: number, total = 0) {
    this.#updatedMs = nowMs
    this.#total = total
  }

  /** Takes in what has come since the last time; `total` only grows. */
  update(nowMs: number, total: number): void {
    const elapsedMs = nowMs - this.#updatedMs
    if (elapsedMs <= 0) return
    const perMinute = ((total - this.#total) * 60_000) / elapsedMs
    for (const [name, windowMs] of Object.entries(loadWindows) as [LoadWindow, number][]) {
      const kept = Math.exp(-elapsedMs / windowMs)
      this.#perMinute[name] = perMinute + kept * (this.#perMinute[name] - perMinute)
    }
    this.#updatedMs = nowMs
    this.#total = total
  }

  get perMinute(): Readonly<Record<LoadWindow, number>> {
    return this.#perMinute
  }
}
