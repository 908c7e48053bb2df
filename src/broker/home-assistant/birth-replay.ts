import type { Clock, Timer } from '../../kernel/clock.ts'
import type { RandomBytes } from '../../kernel/random.ts'

/** Home Assistant asks for some random delay, so that not all devices answer at once. */
const maxDelayMs = 3000
/** However often it says that it is there. */
const gapMs = 10_000

/** Repeats everything a moment after Home Assistant has come; several births of one moment count once. */
export class BirthReplay {
  readonly #clock: Clock
  readonly #random: RandomBytes
  readonly #repeat: () => void
  #timer: Timer | undefined
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, random: RandomBytes, repeat: () => void) {
    this.#clock = clock
    this.#random = random
    this.#repeat = repeat
  }

  hear(payload: Buffer): void {
    if (payload.toString() !== 'online' || this.#timer !== undefined) return
    const delayMs = ((this.#random(1)[0] ?? 0) / 255) * maxDelayMs
    const waitMs = Math.max(delayMs, this.#lastMs + gapMs - this.#clock.now())
    this.#timer = this.#clock.setTimer(waitMs, () => {
      this.#timer = undefined
      this.#lastMs = this.#clock.now()
      this.#repeat()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
