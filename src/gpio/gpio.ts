import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { ButtonLine } from './button-line.ts'
import { type BackendOptions, chooseBackend } from './choose-backend.ts'
import type { GpioSettings } from './gpio-settings.ts'
import type { ButtonAction, GpioLine, GpioLines } from './gpio-view.ts'
import { InputLine } from './input-line.ts'
import { LedLine } from './led-line.ts'
import type { LedStatus } from './led-pattern.ts'
import type { LineBase, LineDeps } from './line-base.ts'
import { MemoryChip } from './memory-backend.ts'
import { OutputLine } from './output-line.ts'
import type { PinBackend } from './pin.ts'
import { PressHand, type SimulatedAction, unknownLine } from './press-hand.ts'
import { ResetLine } from './reset-line.ts'

export interface GpioOptions {
  readonly settings: GpioSettings
  readonly clock: Clock
  readonly log: Log
  /** Carries out a press; `board` is what the configuration says (id or name), null: all boards. */
  readonly act: (board: string | null, action: ButtonAction) => Promise<void>
  /** A line as it is now, at each change; the blinking of the LED is no change. */
  readonly onChange?: (line: GpioLine) => void
  /** Id of the board that the configuration calls so; undefined: it is not known yet. */
  readonly boardIdOf?: (idOrName: string) => Promise<string | undefined>
  /** Where tools and sysfs are, for tests. */
  readonly places?: Omit<BackendOptions, 'clock'>
  /** Instead of the configured one. */
  readonly backend?: PinBackend
}

export interface Gpio {
  view(): GpioLines
  /** Presses a button in memory. Rejects with `not_found`, `conflict` where pins are real, `overloaded`. */
  simulate(name: string, action: SimulatedAction): Promise<void>
  /** Pulls the board's reset line; false: it has none. Rejects with `gpio_failed` when the line cannot be had. */
  resetBoard(boardId: string): Promise<boolean>
  /** Switches an output of the configuration. Rejects with `not_found`, `conflict` for any other line, `gpio_failed`. */
  set(name: string, active: boolean): Promise<void>
  /** Resolves at the end of the pulse. Rejects as `set` does, and with `invalid` or `cancelled`. */
  pulse(name: string, ms: number): Promise<void>
  setStatus(status: LedStatus): void
  /** A board has come or was renamed: the ids in the view are looked up anew. Never rejects. */
  refreshBoards(): Promise<void>
  /** Settled when each line was tried once, with success or not. */
  readonly ready: Promise<void>
  /** Releases every line. Never rejects. */
  stop(): Promise<void>
}

const disabled = () =>
  new AppError('conflict', 'GPIO is not enabled: set gpio.enabled to true in the configuration.')

const roleWords: Readonly<Record<GpioLine['role'], string>> = {
  button: 'a button',
  'status-led': 'the status LED',
  reset: 'the reset line of a board',
  input: 'an input',
  output: 'an output',
}

/** Buttons, status LED, reset lines, inputs and outputs. Returns at once; a line that cannot be had is shown with why, and tried again. */
export function startGpio(options: GpioOptions): Gpio {
  const { settings, clock, log } = options
  let backend: PinBackend | undefined = options.backend
  if (settings.backend === 'memory') backend ??= new MemoryChip()
  let choosing: Promise<PinBackend> | undefined
  const getBackend = async (): Promise<PinBackend> => {
    if (backend !== undefined) return backend
    choosing ??= chooseBackend(settings.backend, { clock, ...options.places }).finally(() => {
      choosing = undefined
    })
    backend = await choosing
    return backend
  }

  const boardIds = new Map<string, string>()
  const boardIdOf = async (board: string): Promise<string | undefined> => {
    const id = (await options.boardIdOf?.(board).catch(() => undefined)) ?? undefined
    if (id !== undefined) boardIds.set(board, id)
    return id ?? boardIds.get(board)
  }
  const viewOf = (line: LineBase): GpioLine => {
    const { board } = line.facts
    return line.view(board === undefined ? null : (boardIds.get(board) ?? board))
  }

  const deps: LineDeps = {
    backend: getBackend,
    clock,
    startedMs: clock.now(),
    log,
    changed: line => {
      try {
        options.onChange?.(viewOf(line))
      } catch (thrown) {
        log.error({ err: toError(thrown), line: line.facts.name }, 'a change of a line could not be told')
      }
    },
  }
  const { chip } = settings
  const buttons = settings.buttons.map(
    button => new ButtonLine(button, chip, deps, () => options.act(button.board ?? null, button.action)),
  )
  const led = settings.statusLed === null ? undefined : new LedLine(settings.statusLed, chip, deps)
  const resets = settings.resetLines.map(reset => new ResetLine(reset, chip, deps))
  const inputs = settings.lines.flatMap(each => (each.kind === 'input' ? InputLine.of(each, chip, deps) : []))
  const outputs = settings.lines.flatMap(each =>
    each.kind === 'output' ? new OutputLine(each, chip, deps) : [],
  )
  const all = [...buttons, ...(led ? [led] : []), ...resets, ...inputs, ...outputs]
  const lines: readonly LineBase[] = settings.enabled ? all : []

  const hand = new PressHand(clock, [...buttons, ...inputs])
  const output = (name: string): OutputLine => {
    if (!settings.enabled) throw disabled()
    const found = lines.find(({ facts }) => facts.name === name)
    if (found === undefined) throw unknownLine(name)
    if (found instanceof OutputLine) return found
    const { role } = found.facts
    throw new AppError(
      'conflict',
      `"${name}" is no output that can be switched but ${roleWords[role]}. Outputs stand under gpio.lines with "kind": "output".`,
    )
  }
  const refreshBoards = async () => {
    const boards = lines.flatMap(line => line.facts.board ?? [])
    await Promise.all([...new Set(boards)].map(boardIdOf))
  }
  const ready = Promise.all([refreshBoards(), ...lines.map(line => line.start())]).then(() => undefined)
  let stopping: Promise<void> | undefined
  return {
    view: () => ({
      enabled: settings.enabled,
      backend: settings.enabled
        ? (backend?.name ?? (settings.backend === 'auto' ? null : settings.backend))
        : null,
      lines: lines.map(viewOf),
    }),
    simulate: async (name, action) => {
      if (!settings.enabled) throw disabled()
      await hand.act(backend, name, action, lines)
    },
    resetBoard: async boardId => {
      for (const line of settings.enabled ? resets : []) {
        const { board = '' } = line.facts
        if (board !== boardId && (await boardIdOf(board)) !== boardId) continue
        await line.pull()
        return true
      }
      return false
    },
    set: async (name, active) => output(name).set(active),
    pulse: async (name, ms) => output(name).pulse(ms),
    setStatus: status => settings.enabled && led?.set(status),
    refreshBoards,
    ready,
    stop: () => {
      stopping ??= Promise.all(lines.map(line => line.stop())).then(() => undefined)
      return stopping
    },
  }
}
