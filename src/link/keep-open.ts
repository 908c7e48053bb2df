import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Link } from './link.ts'

const firstDelayMs = 100
const maxDelayMs = 2_000
/** A link that breaks sooner than this did not work: its next wait goes on growing. */
const steadyMs = 1_000

/**
 * Wait before try number `attempt` (0: the first after a loss): 100 ms doubling to 2 s, of which the upper half is random
 * so that boards behind one lost hub do not all come at once.
 */
export function backoffMs(attempt: number, random: number): number {
  const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempt, 16))
  return delayMs / 2 + (random * delayMs) / 2
}

export type KeepOpenState =
  | { readonly value: 'opening'; readonly attempt: number }
  | { readonly value: 'open'; readonly link: Link }
  /** `error`: why the last link ended or could not be opened. */
  | {
      readonly value: 'waiting'
      readonly attempt: number
      readonly delayMs: number
      readonly error: AppError
    }
  | { readonly value: 'closed' }

export interface KeepOpenOptions {
  /** One try; it has a deadline of its own (≤ 3 s keeps the whole within 5 s). */
  readonly open: () => Promise<Link>
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly onState: (state: KeepOpenState) => void
}

/**
 * Keeps one link open: opens it, and again whenever it was lost or could not be opened, whatever the reason, until closed.
 * A port that was unplugged, busy or forbidden may become free at any time.
 */
export class KeepOpen {
  readonly #options: KeepOpenOptions
  #state: KeepOpenState = { value: 'closed' }
  #timer: Timer | undefined
  #attempt = 0
  /** Tells answers of an earlier start from those of this one. */
  #epoch = 0

  constructor(options: KeepOpenOptions) {
    this.#options = options
  }

  get state(): KeepOpenState {
    return this.#state
  }

  start(): void {
    if (this.#state.value !== 'closed') return
    this.#attempt = 0
    this.#open()
  }

  /** Tries at once when waiting: the port has just come back. */
  wake(): void {
    if (this.#state.value !== 'waiting') return
    this.#timer?.cancel()
    this.#open()
  }

  /** Closes the link and stays closed until `start`. */
  async close(): Promise<void> {
    const last = this.#state
    if (last.value === 'closed') return
    this.#epoch += 1
    this.#timer?.cancel()
    this.#enter({ value: 'closed' })
    if (last.value === 'open') await last.link.close()
  }

  #open(): void {
    const epoch = ++this.#epoch
    this.#enter({ value: 'opening', attempt: this.#attempt })
    if (epoch !== this.#epoch) return
    this.#options.open().then(
      link => (epoch === this.#epoch ? this.#opened(link, epoch) : void link.close()),
      (thrown: unknown) => epoch === this.#epoch && this.#wait(asAppError(thrown)),
    )
  }

  #opened(link: Link, epoch: number): void {
    const openedAtMs = this.#options.clock.now()
    this.#enter({ value: 'open', link })
    link.onClose(error => {
      if (epoch !== this.#epoch) return
      if (this.#options.clock.now() - openedAtMs >= steadyMs) this.#attempt = 0
      this.#wait(error ?? new AppError('link_lost', `${link.address} was closed.`))
    })
  }

  #wait(error: AppError): void {
    const attempt = this.#attempt
    const delayMs = backoffMs(attempt, this.#options.random())
    this.#attempt += 1
    this.#timer = this.#options.clock.setTimer(delayMs, () => this.#open())
    this.#enter({ value: 'waiting', attempt, delayMs, error })
  }

  #enter(state: KeepOpenState): void {
    this.#state = state
    this.#options.onState(state)
  }
}

const asAppError = (thrown: unknown): AppError =>
  thrown instanceof AppError
    ? thrown
    : new AppError('link_failed', toError(thrown).message, { cause: thrown })
