import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Pin, PinBackend, PinRequest } from './pin.ts'

const firstDelayMs = 1_000
export const maxDelayMs = 30_000
/** A pin that was lost sooner than this did not work: its next wait goes on growing. */
const steadyMs = 10_000
/** No contact bounces so much; an input that nothing pulls up or down picks up radio. */
export const mostEdgesPerSecond = 1_000

export interface KeptPinOptions {
  readonly backend: () => Promise<PinBackend>
  readonly request: PinRequest
  readonly clock: Clock
  /** The pin is there: with its level, which may differ from the last one told. */
  readonly onOpen: (pin: Pin) => void
  readonly onEdge: (active: boolean, agoMs: number) => void
  /** Why it is not there; called again when the reason changes. */
  readonly onTrouble: (error: AppError) => void
}

/**
 * Keeps one pin open: tries again after 1 s doubling to 30 s when it cannot be had or was lost, for as long as it is started.
 * A line may be freed at any time, and a driver may come late.
 */
export class KeptPin {
  readonly #options: KeptPinOptions
  #pin: Pin | undefined
  #trouble: AppError | undefined
  #timer: Timer | undefined
  #attempt = 0
  #openedAtMs: number | undefined
  #windowMs = 0
  #windowEdges = 0
  #stopped = true
  /** Of an opening or closing that is under way. */
  #work: Promise<void> = Promise.resolve()

  constructor(options: KeptPinOptions) {
    this.#options = options
  }

  get pin(): Pin | undefined {
    return this.#pin
  }

  get trouble(): AppError | undefined {
    return this.#trouble
  }

  /** Resolves after the first try, however it ended. */
  start(): Promise<void> {
    this.#stopped = false
    this.#open()
    return this.#work
  }

  /** Gives the pin back; nothing is told any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#work
    const pin = this.#pin
    this.#pin = undefined
    await pin?.close()
  }

  /** Rejects with `gpio_failed` when the pin is not there, or cannot be written. */
  async write(active: boolean): Promise<void> {
    if (this.#pin === undefined)
      throw this.#trouble ?? new AppError('gpio_failed', 'The line is being opened.')
    await this.#pin.write(active)
  }

  /** Closes the pin, which leaves an output inactive, and opens it anew after a while. */
  drop(error: AppError): void {
    const pin = this.#pin
    if (pin === undefined) return
    this.#pin = undefined
    this.#work = this.#work.then(() => pin.close())
    this.#wait(error)
  }

  #open(): void {
    const { backend, request } = this.#options
    this.#work = this.#work
      .then(() => backend())
      .then(each => each.open(request))
      .then(
        pin => this.#opened(pin),
        (thrown: unknown) => this.#wait(asGpioError(thrown)),
      )
  }

  #opened(pin: Pin): Promise<void> | undefined {
    if (this.#stopped) return pin.close()
    const { clock, onOpen } = this.#options
    this.#pin = pin
    this.#trouble = undefined
    this.#openedAtMs = clock.now()
    pin.watch((active, agoMs = 0) => this.#edge(pin, active, agoMs))
    pin.onLost(error => pin === this.#pin && this.drop(error))
    if (this.#pin === pin) onOpen(pin)
    return undefined
  }

  #edge(pin: Pin, active: boolean, agoMs: number): void {
    if (pin !== this.#pin) return
    const nowMs = this.#options.clock.now()
    if (nowMs - this.#windowMs >= 1000) {
      this.#windowMs = nowMs
      this.#windowEdges = 0
    }
    if (++this.#windowEdges <= mostEdgesPerSecond) return this.#options.onEdge(active, agoMs)
    const { line } = this.#options.request
    this.drop(
      new AppError(
        'gpio_failed',
        `Line ${line} of ${pin.chip} changes more than ${mostEdgesPerSecond} times a second: nothing seems to hold its level. Check the wiring and the pull-up.`,
      ),
    )
  }

  #wait(error: AppError): void {
    if (this.#stopped) return
    const { clock, onTrouble } = this.#options
    if (this.#openedAtMs !== undefined && clock.now() - this.#openedAtMs >= steadyMs) this.#attempt = 0
    this.#openedAtMs = undefined
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** this.#attempt)
    this.#attempt = Math.min(this.#attempt + 1, 16)
    this.#timer?.cancel()
    this.#timer = clock.setTimer(delayMs, () => this.#open())
    const known = this.#trouble?.message === error.message
    this.#trouble = error
    if (!known) onTrouble(error)
  }
}

const asGpioError = (thrown: unknown): AppError =>
  thrown instanceof AppError
    ? thrown
    : new AppError('gpio_failed', `The line cannot be used: ${toError(thrown).message}`, { cause: thrown })
