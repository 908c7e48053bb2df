/** A timer that was set; `cancel` may be called at any time, also after it fired. */
export interface Timer {
  cancel(): void
}

/** Time as the program sees it. Everything that waits takes a Clock, so a whole gateway can run in virtual time. */
export interface Clock {
  /** Monotonic milliseconds; the zero point means nothing. */
  now(): number
  /** Milliseconds since 1970-01-01 UTC; may jump (a Pi has no RTC). Only for display and records. */
  wallTime(): number
  setTimer(delayMs: number, fire: () => void): Timer
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(delayMs, fire) {
    const handle = setTimeout(fire, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
}
