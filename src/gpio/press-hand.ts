import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { InputLine } from './input-line.ts'
import type { LineBase } from './line-base.ts'
import { MemoryChip } from './memory-backend.ts'
import type { PinBackend } from './pin.ts'

/** press: down, and up again after the debounce time. */
export type SimulatedAction = 'press' | 'down' | 'up'

/** Simulated presses that wait for each other on one button. */
export const mostPresses = 32
/** Beyond the debounce time, for a press that is certain. */
const marginMs = 10

export const unknownLine = (name: string): AppError =>
  new AppError('not_found', `No GPIO line is called "${name}". GET /gpio shows them.`)

/** The hand that presses buttons, and closes contacts of inputs, of a chip in memory. */
export class PressHand {
  readonly #clock: Clock
  readonly #buttons: ReadonlyMap<string, InputLine>
  readonly #last = new Map<string, { readonly done: Promise<void>; readonly waiting: number }>()

  constructor(clock: Clock, buttons: readonly InputLine[]) {
    this.#clock = clock
    this.#buttons = new Map(buttons.map(button => [button.facts.name, button]))
  }

  /** Resolves when the button has settled. */
  async act(
    chip: PinBackend | undefined,
    name: string,
    action: SimulatedAction,
    lines: readonly LineBase[],
  ): Promise<void> {
    const known = lines.some(line => line.facts.name === name)
    if (!known) throw unknownLine(name)
    if (!(chip instanceof MemoryChip))
      throw new AppError(
        'conflict',
        'These pins are real: press the button itself. Only pins in memory (gpio.backend memory) can be simulated.',
      )
    const button = this.#buttons.get(name)
    if (button === undefined)
      throw new AppError('conflict', `"${name}" is an output; only buttons and inputs can be pressed.`)
    const { line } = button.facts.request
    const settle = () => this.#wait(button.debounceMs + marginMs)
    const steps = {
      down: async () => {
        chip.press(line, true)
        await settle()
      },
      up: async () => {
        chip.press(line, false)
        await settle()
      },
      press: async () => {
        await steps.down()
        await steps.up()
      },
    }
    await this.#inOrder(name, steps[action])
  }

  #inOrder(name: string, work: () => Promise<void>): Promise<void> {
    const before = this.#last.get(name)
    const waiting = (before?.waiting ?? 0) + 1
    if (waiting > mostPresses)
      return Promise.reject(
        new AppError(
          'overloaded',
          `${mostPresses} presses of "${name}" wait already. Try again in a moment.`,
        ),
      )
    const done = (before?.done ?? Promise.resolve()).then(work)
    this.#last.set(name, { done, waiting })
    return done.finally(() => {
      const now = this.#last.get(name)
      if (now !== undefined) this.#last.set(name, { done: now.done, waiting: now.waiting - 1 })
    })
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => this.#clock.setTimer(ms, resolve))
  }
}
