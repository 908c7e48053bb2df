import { Debounce } from './debounce.ts'
import type { InputSettings } from './gpio-settings.ts'
import { LineBase, type LineDeps, type LineFacts } from './line-base.ts'
import type { Pin } from './pin.ts'

/** A line that is watched. Its level counts once it has held for the debounce time. */
export class InputLine extends LineBase {
  readonly debounceMs: number
  #debounce: Debounce | undefined
  /** Of the last edge to the level that the contact has. */
  #edgeMs = 0

  constructor(facts: LineFacts, debounceMs: number, deps: LineDeps) {
    super(facts, deps)
    this.debounceMs = debounceMs
  }

  static of(settings: InputSettings, chip: string, deps: LineDeps): InputLine {
    const { name, line, activeLow, bias = activeLow ? 'pull-up' : 'pull-down', debounceMs } = settings
    const facts: LineFacts = {
      name: name ?? `input-${line}`,
      role: 'input',
      board: undefined,
      action: null,
      request: { chip, line, direction: 'in', activeLow, bias, drive: 'push-pull', timed: true },
    }
    return new InputLine(facts, debounceMs, deps)
  }

  get active(): boolean {
    return this.#debounce?.active ?? false
  }

  override async stop(): Promise<void> {
    this.#debounce?.stop()
    await super.stop()
  }

  /** The level has changed and held. */
  protected settled(_active: boolean): void {
    // Those that do something with it say what.
  }

  protected opened(pin: Pin): void {
    this.#debounce?.stop()
    const { clock } = this.deps
    // A button that is held at the start, or stuck, is no press.
    this.#debounce = new Debounce(clock, this.debounceMs, pin.read(), active => {
      this.moved({ agoMs: clock.now() - this.#edgeMs })
      this.settled(active)
    })
  }

  protected edge(active: boolean, agoMs: number): void {
    this.edges += 1
    this.#edgeMs = this.deps.clock.now() - agoMs
    this.#debounce?.edge(active)
  }

  protected troubled(): void {
    this.#debounce?.stop()
    this.#debounce = undefined
  }
}
