import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { GpioLine } from './gpio-view.ts'
import { KeptPin } from './kept-pin.ts'
import type { Pin, PinBackend, PinRequest } from './pin.ts'

/** What a line needs of the whole. */
export interface LineDeps {
  readonly backend: () => Promise<PinBackend>
  readonly clock: Clock
  /** Start of the gateway by the clock. */
  readonly startedMs: number
  readonly log: Log
  /** Something of the line's view has changed. */
  readonly changed: (line: LineBase) => void
}

export interface LineFacts {
  readonly name: string
  readonly role: GpioLine['role']
  /** Id or name of a board, as configured. */
  readonly board: string | undefined
  readonly action: GpioLine['action']
  readonly request: PinRequest
}

/** What buttons, the LED and reset lines have in common: a kept pin, and what is shown of it. */
export abstract class LineBase {
  readonly facts: LineFacts
  protected readonly deps: LineDeps
  protected readonly pin: KeptPin
  protected edges = 0
  #chip: string
  /** Of the clock, and wall time. */
  #changed: { readonly ms: number; readonly wallMs: number } | undefined

  constructor(facts: LineFacts, deps: LineDeps) {
    this.facts = facts
    this.deps = deps
    this.#chip = facts.request.chip
    this.pin = new KeptPin({
      backend: deps.backend,
      clock: deps.clock,
      request: facts.request,
      onOpen: pin => {
        this.#chip = pin.chip
        this.opened(pin)
        deps.changed(this)
      },
      onEdge: (active, agoMs) => this.edge(active, agoMs),
      onTrouble: error => {
        deps.log.warn({ line: facts.name, code: error.code }, error.message)
        this.troubled()
        deps.changed(this)
      },
    })
  }

  /** Logical level as it is shown. */
  abstract get active(): boolean
  protected abstract opened(pin: Pin): void
  /** `agoMs`: how long ago it was. */
  protected abstract edge(active: boolean, agoMs: number): void
  protected abstract troubled(): void

  get trouble(): AppError | undefined {
    if (this.pin.pin !== undefined) return undefined
    return this.pin.trouble ?? new AppError('gpio_failed', 'The line is being opened.')
  }

  start(): Promise<void> {
    return this.pin.start()
  }

  stop(): Promise<void> {
    return this.pin.stop()
  }

  view(boardId: string | null): GpioLine {
    const { name, role, action, request } = this.facts
    return {
      name,
      role,
      chip: this.#chip,
      line: request.line,
      active: this.active,
      action,
      boardId,
      changedAt: this.#changed === undefined ? null : new Date(this.#changed.wallMs).toISOString(),
      monotonicMs: this.#changed === undefined ? null : this.#changed.ms - this.deps.startedMs,
      edges: this.edges,
      trouble: this.trouble?.message ?? null,
    }
  }

  /** The level that is shown has changed, `agoMs` ago. */
  protected moved({ tell = true, agoMs = 0 } = {}): void {
    const { clock } = this.deps
    this.#changed = { ms: clock.now() - agoMs, wallMs: clock.wallTime() - agoMs }
    if (tell) this.deps.changed(this)
  }
}
