import { TokenBucket } from '../../guard/token-bucket.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'

/** How many packets a client may send of itself; beyond it the next one waits for its turn. */
export class Pace {
  readonly #bucket: TokenBucket
  readonly #clock: Clock
  readonly #onTurn: (nowMs: number) => void
  #timer: Timer | undefined

  constructor(perSecond: number, clock: Clock, onTurn: (nowMs: number) => void) {
    this.#bucket = new TokenBucket(perSecond, 1000, clock.now())
    this.#clock = clock
    this.#onTurn = onTurn
  }

  get waits(): boolean {
    return this.#timer !== undefined
  }

  /** False: it is not its turn yet; `onTurn` is called when it is. */
  take(nowMs: number): boolean {
    const waitMs = this.#bucket.take(nowMs)
    if (waitMs === 0) return true
    this.#timer = this.#clock.setTimer(waitMs, () => {
      this.#timer = undefined
      this.#onTurn(this.#clock.now())
    })
    return false
  }

  end(): void {
    this.#timer?.cancel()
  }
}
