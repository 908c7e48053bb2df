import type { LedSettings } from './gpio-settings.ts'
import { LedBlinker } from './led-blinker.ts'
import type { LedStatus } from './led-pattern.ts'
import { LineBase, type LineDeps } from './line-base.ts'

/** The status LED. Its blinking is not told as changes; its status is. */
export class LedLine extends LineBase {
  readonly #blinker: LedBlinker
  #wanted = false
  #writing = false
  #status: LedStatus = 'idle'

  constructor({ line, activeLow }: LedSettings, chip: string, deps: LineDeps) {
    super(
      {
        name: 'status-led',
        role: 'status-led',
        board: undefined,
        action: null,
        request: { chip, line, direction: 'out', activeLow, bias: 'as-is', drive: 'push-pull' },
      },
      deps,
    )
    this.#blinker = new LedBlinker(deps.clock, lit => this.#show(lit))
  }

  get active(): boolean {
    return this.pin.pin?.read() ?? false
  }

  set(status: LedStatus): void {
    if (status === this.#status) return
    this.#status = status
    if (this.pin.pin !== undefined) this.#blinker.set(status)
    this.moved()
  }

  override async stop(): Promise<void> {
    this.#blinker.stop()
    await super.stop()
  }

  protected opened(): void {
    this.#blinker.stop()
    this.#blinker.set(this.#status)
  }

  protected edge(): void {
    // An output has none.
  }

  protected troubled(): void {
    this.#blinker.stop()
  }

  /** One write at a time, and the newest level only: a slow tool must not gather a queue. */
  #show(lit: boolean): void {
    this.#wanted = lit
    if (!this.#writing) void this.#write()
  }

  async #write(): Promise<void> {
    this.#writing = true
    try {
      while (this.pin.pin !== undefined && this.active !== this.#wanted) {
        await this.pin.write(this.#wanted)
        this.edges += 1
        this.moved({ tell: false })
      }
    } catch {
      // The pin tells its trouble itself, and the pattern begins anew when it is back.
    } finally {
      this.#writing = false
    }
  }
}
