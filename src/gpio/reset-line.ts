import type { Timer } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError } from '../kernel/errors.ts'
import type { ResetSettings } from './gpio-settings.ts'
import { LineBase, type LineDeps } from './line-base.ts'

/** For taking hold of the line and letting go of it, beside the pulse itself; then the pin is closed, which lets go too. */
const graceMs = 1_500

/** The reset line of a board: released all the time, but for a pulse when it is pulled. */
export class ResetLine extends LineBase {
  readonly #pulseMs: number
  #pulling: Promise<void> | undefined
  #cut: (() => void) | undefined
  #stopping = false

  constructor(settings: ResetSettings, chip: string, deps: LineDeps) {
    const { board, line, activeLow, pulseMs } = settings
    super(
      {
        name: `reset-${board}`,
        role: 'reset',
        board,
        action: null,
        // A RESET input has a pull-up, and other drivers beside us: a button, the adapter's DTR. High is left to them.
        request: {
          chip,
          line,
          direction: 'out',
          activeLow,
          bias: 'as-is',
          drive: activeLow ? 'open-drain' : 'push-pull',
        },
      },
      deps,
    )
    this.#pulseMs = pulseMs
  }

  get active(): boolean {
    return this.pin.pin?.read() ?? false
  }

  /** Resolves when the line is released again; a pull during a pull is the same. Rejects with `gpio_failed`. */
  pull(): Promise<void> {
    this.#pulling ??= this.#pulse().finally(() => {
      this.#pulling = undefined
    })
    return this.#pulling
  }

  override async stop(): Promise<void> {
    this.#stopping = true
    this.#cut?.()
    await this.#pulling?.catch(() => undefined)
    await super.stop()
  }

  protected opened(): void {
    // Open means released.
  }

  protected edge(): void {
    // An output has none.
  }

  protected troubled(): void {
    this.#cut?.()
  }

  async #pulse(): Promise<void> {
    if (this.trouble !== undefined) throw this.trouble
    const { clock } = this.deps
    const limitMs = this.#pulseMs + graceMs
    const late = `Line ${this.facts.request.line} could not be pulled and released within ${limitMs} ms; it was let go.`
    try {
      await withDeadline(clock, limitMs, this.#pullAndRelease(), 'gpio_failed', late)
    } catch (thrown) {
      // Closing the pin releases the line, whatever has become of the pulse.
      const error = thrown instanceof AppError ? thrown : new AppError('gpio_failed', late, { cause: thrown })
      this.pin.drop(error)
      throw error
    }
  }

  async #pullAndRelease(): Promise<void> {
    await this.pin.write(true)
    this.edges += 1
    this.moved()
    await this.#hold()
    await this.pin.write(false)
    this.edges += 1
    this.moved()
  }

  /** The length of the pulse, or less when the gateway stops or the pin is lost. */
  #hold(): Promise<void> {
    if (this.#stopping) return Promise.resolve()
    return new Promise(resolve => {
      let timer: Timer | undefined
      this.#cut = () => {
        timer?.cancel()
        this.#cut = undefined
        resolve()
      }
      timer = this.deps.clock.setTimer(this.#pulseMs, this.#cut)
    })
  }
}
