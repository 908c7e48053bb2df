import type { Timer } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { OutputSettings } from './gpio-settings.ts'
import { LineBase, type LineDeps } from './line-base.ts'

/** A change of a line starts a small process at most. */
const writeTimeoutMs = 3_000

/** A line that people and programs switch. What comes later wins: it ends a pulse that is under way. */
export class OutputLine extends LineBase {
  readonly maxPulseMs: number
  readonly #initial: boolean
  /** Tells the last command from those before it. */
  #command = 0
  #endPulse: (() => void) | undefined

  constructor({ name, line, activeLow, initial, maxPulseMs }: OutputSettings, chip: string, deps: LineDeps) {
    super(
      {
        name: name ?? `output-${line}`,
        role: 'output',
        board: undefined,
        action: null,
        request: { chip, line, direction: 'out', activeLow, bias: 'as-is', drive: 'push-pull' },
      },
      deps,
    )
    this.maxPulseMs = maxPulseMs
    this.#initial = initial
  }

  get active(): boolean {
    return this.pin.pin?.read() ?? false
  }

  /** Resolves when the line has the level. Rejects with `gpio_failed`. */
  async set(active: boolean): Promise<void> {
    this.#command += 1
    this.#endPulse?.()
    await this.#write(active)
  }

  /**
   * On for so long, then off; resolves when it is off again. Rejects with `invalid` where that is too long, `conflict` during
   * another pulse, `cancelled` when a later command has ended it, `gpio_failed`.
   */
  async pulse(ms: number): Promise<void> {
    const { name } = this.facts
    if (ms > this.maxPulseMs)
      throw new AppError('invalid', `A pulse of "${name}" lasts ${this.maxPulseMs} ms at most (maxPulseMs).`)
    if (this.#endPulse !== undefined)
      throw new AppError('conflict', `A pulse of "${name}" is under way. Wait for its end, or set the line.`)
    const command = ++this.#command
    const over = new Promise<void>(resolve => {
      let timer: Timer | undefined
      this.#endPulse = () => {
        timer?.cancel()
        this.#endPulse = undefined
        resolve()
      }
      const end = this.#endPulse
      this.#write(true).then(
        () => {
          // It may have been ended meanwhile.
          if (this.#endPulse === end) timer = this.deps.clock.setTimer(ms, end)
        },
        () => end(),
      )
    })
    await over
    if (command !== this.#command)
      throw new AppError('cancelled', `The pulse of "${name}" was ended by a later command.`)
    if (this.trouble !== undefined) throw this.trouble
    await this.#write(false)
  }

  override async stop(): Promise<void> {
    this.#command += 1
    this.#endPulse?.()
    await super.stop()
  }

  protected opened(): void {
    // A pin begins inactive.
    if (this.#initial) this.set(true).catch(() => undefined)
  }

  protected edge(): void {
    // An output has none but ours.
  }

  protected troubled(): void {
    this.#endPulse?.()
  }

  async #write(active: boolean): Promise<void> {
    if (this.trouble !== undefined) throw this.trouble
    const late = `"${this.facts.name}" could not be switched within ${writeTimeoutMs} ms; it was let go.`
    const before = this.active
    try {
      await withDeadline(this.deps.clock, writeTimeoutMs, this.pin.write(active), 'gpio_failed', late)
    } catch (thrown) {
      const error =
        thrown instanceof AppError
          ? thrown
          : new AppError('gpio_failed', toError(thrown).message, { cause: thrown })
      // Closing the pin leaves the line inactive.
      this.pin.drop(error)
      throw error
    }
    if (before === this.active) return
    this.edges += 1
    this.moved()
  }
}
