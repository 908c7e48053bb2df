import type { Principal } from '../../account/principal.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'

const lookEveryMs = 30_000

/** Answers that go on for as long as their reader likes: each is broken off when the access that it was asked with ends. */
export class LastingAnswers {
  readonly #clock: Clock
  readonly #readers = new Map<() => void, Principal>()
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get count(): number {
    return this.#readers.size
  }

  /** Returns what is to be called when the answer has ended by itself. */
  add(principal: Principal, breakOff: () => void): () => void {
    this.#readers.set(breakOff, principal)
    this.#timer ??= this.#clock.setTimer(lookEveryMs, () => this.#look())
    return () => {
      this.#readers.delete(breakOff)
      if (this.#readers.size === 0) this.stop()
    }
  }

  end(whose: (principal: Principal) => boolean): void {
    for (const [breakOff, principal] of [...this.#readers]) if (whose(principal)) breakOff()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #look(): void {
    const nowMs = this.#clock.now()
    this.#timer = this.#clock.setTimer(lookEveryMs, () => this.#look())
    this.end(({ endsMs = Number.POSITIVE_INFINITY }) => endsMs <= nowMs)
  }
}
