import { AppError } from '../kernel/errors.ts'
import type { Chip } from './chip-choice.ts'
import { setArgs } from './gpiod-syntax.ts'
import type { Tools } from './gpiod-tools.ts'
import { HeldTool } from './held-tool.ts'
import { LostNotice } from './lost-notice.ts'
import type { Pin, PinRequest } from './pin.ts'

/** An output: one gpioset holds one level, so each change ends one and starts the next. */
export async function openOutput(tools: Tools, chip: Chip, request: PinRequest): Promise<Pin> {
  const output = new GpiodOutput(tools, chip, request)
  await output.start()
  return output
}

class GpiodOutput implements Pin {
  readonly chip: string
  readonly #tools: Tools
  readonly #chip: Chip
  readonly #request: PinRequest
  readonly #lost = new LostNotice()
  #holder: HeldTool | undefined
  #active = false
  #closed = false
  /** Changes one after the other: the line must be free before its next holder asks for it. */
  #last: Promise<void> = Promise.resolve()

  constructor(tools: Tools, chip: Chip, request: PinRequest) {
    this.chip = chip.label
    this.#tools = tools
    this.#chip = chip
    this.#request = request
  }

  start(): Promise<void> {
    return this.#queue(() => this.#hold(false))
  }

  read(): boolean {
    return this.#active
  }

  write(active: boolean): Promise<void> {
    if (this.#closed)
      return Promise.reject(
        new AppError('gpio_failed', `Line ${this.#request.line} of ${this.chip} is closed.`),
      )
    return this.#queue(async () => {
      if (active !== this.#active || this.#holder?.running !== true) await this.#hold(active)
    })
  }

  watch(): void {
    // An output has no edges but ours.
  }

  onLost(listener: (error: AppError) => void): void {
    this.#lost.listen(listener)
  }

  /** Driven inactive first: on a Pi a line may keep its last level when nobody holds it (persist_gpio_outputs). */
  async close(): Promise<void> {
    if (this.#closed) return this.#last
    this.#closed = true
    this.#lost.off()
    await this.#queue(async () => {
      // Where the holder was taken from us, nobody knows the level.
      if (this.#active || this.#holder?.running !== true) await this.#hold(false)
      await this.#holder?.end()
    }).catch(() => undefined)
  }

  async #hold(active: boolean): Promise<void> {
    const { version, clock, procFolder } = this.#tools
    const before = this.#holder
    this.#holder = undefined
    await before?.end()
    const holder = new HeldTool({
      command: this.#tools.path('gpioset'),
      args: setArgs(version, this.#chip.name, this.#request, active),
      clock,
      procFolder,
      onText: text => text.startsWith('Setting line'),
    })
    this.#holder = holder
    if (!(await holder.ready())) throw await this.#failed(holder)
    this.#active = active
    void holder.ended.then(async () => {
      // One that was ended for the next is no loss.
      if (this.#holder === holder) await this.#failed(holder)
    })
  }

  async #failed(holder: HeldTool): Promise<AppError> {
    const ended = await holder.ended
    const error = await this.#tools.failure('gpioset', this.#chip, this.#request, ended)
    this.#active = false
    this.#lost.tell(error)
    return error
  }

  #queue(change: () => Promise<void>): Promise<void> {
    const next = this.#last.then(change)
    this.#last = next.catch(() => undefined)
    return next
  }
}
