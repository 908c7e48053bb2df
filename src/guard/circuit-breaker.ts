import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'

/** CLOSED: calls go through; OPEN: none does; HALF_OPEN: one at a time does, to see whether it works again (Nygard 2007). */
export type BreakerState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

export interface BreakerOptions {
  /** What is called, for people: `webhook 0198…`. */
  readonly name: string
  /** Failures in a row that open it: 5. */
  readonly failures?: number
  /** How long it stays open: 60,000. A trial that takes longer than this has failed. */
  readonly openMs?: number
  /** Trials in a row that close it: 2. */
  readonly successes?: number
  /** Whether an error speaks against what is called; false: it has answered, and only refused. All do when left out. */
  readonly isFailure?: (error: unknown) => boolean
}

export interface BreakerStats {
  readonly name: string
  readonly state: BreakerState
  /** Calls that were let through. */
  readonly calls: number
  readonly failures: number
  /** Calls that were refused because it was not closed. */
  readonly rejections: number
  /** How often it has opened. */
  readonly opened: number
  readonly failuresInRow: number
  /** Wall time; null: never. */
  readonly lastFailureMs: number | null
  readonly lastFailure: string | null
  /** Until the next trial may go; 0 while it is not open. */
  readonly retryAfterMs: number
}

/** Says how a call ended that was let through. Only the first word counts. */
export interface Admission {
  succeeded(): void
  failed(error: unknown): void
}

/** Keeps calls away from what does not answer, so that nobody waits for it in vain and it can come back in peace. */
export class CircuitBreaker {
  readonly name: string
  readonly #options: Required<Omit<BreakerOptions, 'name'>>
  readonly #clock: Clock
  readonly #listeners = new Set<(state: BreakerState) => void>()
  #state: BreakerState = 'CLOSED'
  /** Counts the changes of state: what began before one says nothing about what came after it. */
  #era = 0
  #inRow = 0
  #openedAtMs = 0
  #trialAtMs: number | undefined
  #calls = 0
  #failures = 0
  #rejections = 0
  #opened = 0
  #lastFailureMs: number | null = null
  #lastFailure: string | null = null

  constructor(
    { name, failures = 5, openMs = 60_000, successes = 2, isFailure }: BreakerOptions,
    clock: Clock,
  ) {
    this.name = name
    this.#options = { failures, openMs, successes, isFailure: isFailure ?? (() => true) }
    this.#clock = clock
  }

  get state(): BreakerState {
    this.#look()
    return this.#state
  }

  /** Called after each change of state until the function that comes back is called. */
  onChange(listener: (state: BreakerState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Rejects with `dependency_unavailable` instead of calling where it is not closed; else with what the work rejects with. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const admission = this.admit()
    if (admission === undefined) throw this.#refusal()
    try {
      const value = await work()
      admission.succeeded()
      return value
    } catch (error) {
      if (this.#options.isFailure(error)) admission.failed(error)
      else admission.succeeded()
      throw error
    }
  }

  /** undefined: the call must not be made. */
  admit(): Admission | undefined {
    this.#look()
    const trial = this.#state === 'HALF_OPEN'
    if (this.#state === 'OPEN' || (trial && this.#trialAtMs !== undefined)) {
      this.#rejections += 1
      return undefined
    }
    this.#calls += 1
    if (trial) this.#trialAtMs = this.#clock.now()
    const era = this.#era
    let told = false
    const once = (say: () => void): void => {
      if (told) return
      told = true
      if (era === this.#era) say()
    }
    return {
      succeeded: () => once(() => this.#succeed()),
      failed: error => {
        if (told) return
        this.#note(error)
        once(() => this.#fail())
      },
    }
  }

  /** Closes it by hand. The counts since the start stay. */
  reset(): void {
    this.#enter('CLOSED')
  }

  stats(): BreakerStats {
    const state = this.state
    return {
      name: this.name,
      state,
      calls: this.#calls,
      failures: this.#failures,
      rejections: this.#rejections,
      opened: this.#opened,
      failuresInRow: state === 'CLOSED' ? this.#inRow : 0,
      lastFailureMs: this.#lastFailureMs,
      lastFailure: this.#lastFailure,
      retryAfterMs: state === 'OPEN' ? this.#openedAtMs + this.#options.openMs - this.#clock.now() : 0,
    }
  }

  /** Time changes the state too, when somebody looks. */
  #look(): void {
    const { openMs } = this.#options
    const nowMs = this.#clock.now()
    if (this.#state === 'OPEN' && nowMs - this.#openedAtMs >= openMs) this.#enter('HALF_OPEN')
    if (this.#state === 'HALF_OPEN' && this.#trialAtMs !== undefined && nowMs - this.#trialAtMs >= openMs) {
      this.#note(new Error(`no answer within ${openMs} ms`))
      this.#fail()
    }
  }

  #succeed(): void {
    this.#trialAtMs = undefined
    if (this.#state === 'CLOSED') this.#inRow = 0
    else if (++this.#inRow >= this.#options.successes) this.#enter('CLOSED')
  }

  #fail(): void {
    if (this.#state === 'HALF_OPEN' || ++this.#inRow >= this.#options.failures) this.#enter('OPEN')
  }

  #note(error: unknown): void {
    this.#failures += 1
    this.#lastFailureMs = this.#clock.wallTime()
    this.#lastFailure = toError(error).message
  }

  #enter(state: BreakerState): void {
    const before = this.#state
    this.#state = state
    this.#era += 1
    this.#inRow = 0
    this.#trialAtMs = undefined
    if (state === 'OPEN') {
      this.#opened += 1
      this.#openedAtMs = this.#clock.now()
    }
    if (before !== state) for (const listener of [...this.#listeners]) listener(state)
  }

  #refusal(): AppError {
    const { retryAfterMs } = this.stats()
    const wait =
      retryAfterMs > 0 ? `It is tried again in ${Math.ceil(retryAfterMs / 1000)} s` : 'It is being tried now'
    return new AppError(
      'dependency_unavailable',
      `${this.name} has failed ${this.#options.failures} times in a row and is not called for now. ${wait}; an admin can reset the breaker.`,
      { detail: { breaker: this.name, retryAfterMs } },
    )
  }
}
