import { AppError } from '../kernel/errors.ts'
import type { Pin, PinBackend, PinRequest } from './pin.ts'

interface Wire {
  readonly request: PinRequest
  active: boolean
  listener: (active: boolean) => void
  lost: (error: AppError) => void
  error: AppError | undefined
}

/**
 * A chip without a machine: for tests, demonstrations and machines without pins. The gateway has the pins; a hand presses
 * buttons, looks at outputs and pulls wires.
 */
export class MemoryChip implements PinBackend {
  readonly name = 'memory'
  readonly #wires = new Map<number, Wire>()
  readonly #refusals = new Map<number, AppError>()
  /** Levels that the hand holds, pins or no pins. */
  readonly #held = new Map<number, boolean>()

  readonly #seen: (line: number, active: boolean) => void

  /** `seen`: an eye on the outputs, called at each change. */
  constructor(seen: (line: number, active: boolean) => void = () => undefined) {
    this.#seen = seen
  }

  async open(request: PinRequest): Promise<Pin> {
    const { line, direction } = request
    const refusal = this.#refusals.get(line)
    if (refusal !== undefined) throw refusal
    if (this.#wires.has(line)) throw new AppError('gpio_failed', `Line ${line} is in use already.`)
    const wire: Wire = {
      request,
      active: direction === 'in' && (this.#held.get(line) ?? false),
      listener: () => undefined,
      lost: () => undefined,
      error: undefined,
    }
    this.#wires.set(line, wire)
    const held = () => this.#wires.get(line) === wire
    return {
      chip: 'memory',
      read: () => wire.active,
      write: async active => {
        if (!held()) throw new AppError('gpio_failed', `Line ${line} is not open any more.`)
        if (wire.active === active) return
        wire.active = active
        this.#seen(line, active)
      },
      watch: listener => {
        wire.listener = listener
      },
      onLost: listener => {
        wire.lost = listener
        if (wire.error !== undefined) listener(wire.error)
      },
      close: async () => {
        if (!held()) return
        this.#wires.delete(line)
        if (direction === 'out' && wire.active) this.#seen(line, false)
      },
    }
  }

  /** The hand: closes (true) or opens a contact. What is told twice is one edge. */
  press(line: number, active: boolean): void {
    this.#held.set(line, active)
    const wire = this.#wires.get(line)
    if (wire === undefined || wire.request.direction !== 'in' || wire.active === active) return
    wire.active = active
    wire.listener(active)
  }

  /** The eye: the level of a line that the gateway holds; undefined: it holds none. */
  level(line: number): boolean | undefined {
    return this.#wires.get(line)?.active
  }

  /** Opening the line is refused from now on; undefined: it is not any more. */
  refuse(line: number, error: AppError | undefined): void {
    if (error === undefined) this.#refusals.delete(line)
    else this.#refusals.set(line, error)
  }

  /** The line is taken away, as when its driver goes. */
  lose(line: number): void {
    const wire = this.#wires.get(line)
    this.#wires.delete(line)
    if (wire === undefined) return
    wire.error = new AppError('gpio_failed', `Line ${line} was taken away.`)
    wire.lost(wire.error)
  }
}
