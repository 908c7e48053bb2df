import { toError } from '../kernel/errors.ts'
import type { ButtonSettings } from './gpio-settings.ts'
import { InputLine } from './input-line.ts'
import type { LineDeps } from './line-base.ts'

/** Presses whose action has not ended yet; somebody who presses on at a mute board has made the point. */
export const mostActions = 8

/** A button: each press, once it has held for the debounce time, is one action. Holding it on does nothing more. */
export class ButtonLine extends InputLine {
  readonly #act: () => Promise<void>
  #acting = 0
  /** Actions one after the other, in the order of the presses. */
  #last: Promise<void> = Promise.resolve()

  constructor(settings: ButtonSettings, chip: string, deps: LineDeps, act: () => Promise<void>) {
    const { name, line, action, board, activeLow, debounceMs } = settings
    super(
      {
        name: name ?? `button-${line}`,
        role: 'button',
        board,
        action,
        // Between the line and ground, so pulled up; or between the line and 3.3 V.
        request: {
          chip,
          line,
          direction: 'in',
          activeLow,
          bias: activeLow ? 'pull-up' : 'pull-down',
          drive: 'push-pull',
        },
      },
      debounceMs,
      deps,
    )
    this.#act = act
  }

  protected override settled(active: boolean): void {
    if (active) this.#press()
  }

  #press(): void {
    const { log } = this.deps
    const fields = { line: this.facts.name, action: this.facts.action }
    if (this.#acting >= mostActions)
      return log.warn(fields, 'a press was left out, for earlier ones are still being carried out')
    this.#acting += 1
    this.#last = this.#last
      .then(() => this.#act())
      .catch((thrown: unknown) =>
        log.warn(fields, `a press could not be carried out: ${toError(thrown).message}`),
      )
      .finally(() => {
        this.#acting -= 1
      })
  }
}
