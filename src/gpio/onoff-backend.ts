import { access, constants, writeFile } from 'node:fs/promises'
import type { Gpio } from 'onoff'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { checkLine, chooseChip } from './chip-choice.ts'
import { LostNotice } from './lost-notice.ts'
import { onoffError } from './onoff-error.ts'
import type { Pin, PinBackend, PinRequest } from './pin.ts'
import { listSysfsChips, sysfsFolder } from './sysfs-chips.ts'

/** udev gives the group gpio its rights a moment after a line was exported. */
const accessTimeoutMs = 2_000
const accessEveryMs = 10

export interface OnoffOptions {
  readonly clock: Clock
  /** /sys/class/gpio unless told otherwise; onoff itself knows only that. */
  readonly folder?: string | undefined
  /** The class of onoff; loaded when first needed unless given. */
  readonly gpio?: typeof Gpio | undefined
}

/**
 * GPIO through onoff and the kernel's old interface in sysfs. Takes no pull-up: config.txt or a resistor has to.
 * Rejects with `gpio_failed` when onoff is not installed.
 */
export async function onoffBackend(options: OnoffOptions): Promise<PinBackend> {
  const { clock, folder = sysfsFolder } = options
  const Line = options.gpio ?? (await loadOnoff())
  return {
    name: 'onoff',
    open: async request => {
      const chip = chooseChip(request.chip, await listSysfsChips(folder))
      checkLine(chip, request.line)
      const number = chip.base + request.line
      try {
        await exportLine(folder, number, clock)
        const [direction, edge] =
          request.direction === 'in' ? (['in', 'both'] as const) : ([released(request), 'none'] as const)
        const { activeLow } = request
        const gpio = new Line(number, direction, edge, { activeLow, reconfigureDirection: true })
        return new OnoffPin(gpio, request, chip.label, number)
      } catch (thrown) {
        throw onoffError(thrown, chip.label, request.line, number)
      }
    },
  }
}

/** Not at the start: it is optional, and its native part need not have been built. */
async function loadOnoff(): Promise<typeof Gpio> {
  try {
    return (await import('onoff')).Gpio
  } catch (thrown) {
    throw new AppError(
      'gpio_failed',
      'onoff is not installed (it is optional and needs a compiler). Install the tools instead: sudo apt-get install gpiod',
      { cause: toError(thrown) },
    )
  }
}

/** `high` and `low` as a direction are electrical, whatever the polarity, and leave no moment with another level. */
function directionOf({ activeLow, drive }: PinRequest, active: boolean): 'in' | 'high' | 'low' {
  if (active === activeLow) return 'low'
  return drive === 'open-drain' ? 'in' : 'high'
}

const released = (request: PinRequest) => directionOf(request, false)

/**
 * Exports the line and waits until it may be written. onoff would do both, but busily, up to a tenth of a second in which
 * nothing else runs.
 */
async function exportLine(folder: string, number: number, clock: Clock): Promise<void> {
  const files = ['value', 'direction', 'active_low'].map(file => `${folder}/gpio${number}/${file}`)
  const writable = () => Promise.all(files.map(file => access(file, constants.R_OK | constants.W_OK)))
  const known = await access(`${folder}/gpio${number}`).then(
    () => true,
    () => false,
  )
  if (!known) await writeFile(`${folder}/export`, `${number}`)
  for (const latestMs = clock.now() + accessTimeoutMs; ; ) {
    try {
      await writable()
      return
    } catch (thrown) {
      if (clock.now() >= latestMs) throw thrown
    }
    await new Promise<void>(resolve => clock.setTimer(accessEveryMs, resolve))
  }
}

class OnoffPin implements Pin {
  readonly chip: string
  readonly #gpio: Gpio
  readonly #request: PinRequest
  readonly #number: number
  readonly #lost = new LostNotice()
  #active = false
  #closed = false
  #listener: (active: boolean) => void = () => undefined

  constructor(gpio: Gpio, request: PinRequest, chip: string, number: number) {
    this.#gpio = gpio
    this.#request = request
    this.chip = chip
    this.#number = number
    try {
      this.#begin()
    } catch (thrown) {
      this.#release()
      throw thrown
    }
  }

  read(): boolean {
    return this.#active
  }

  async write(active: boolean): Promise<void> {
    if (this.#closed)
      throw new AppError('gpio_failed', `Line ${this.#request.line} of ${this.chip} is closed.`)
    try {
      this.#drive(active)
    } catch (thrown) {
      const error = this.#fault(thrown)
      this.#lost.tell(error)
      throw error
    }
  }

  watch(listener: (active: boolean) => void): void {
    this.#listener = listener
  }

  onLost(listener: (error: AppError) => void): void {
    this.#lost.listen(listener)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#lost.off()
    try {
      if (this.#request.direction === 'out') this.#drive(false)
    } catch {
      // It is given back all the same.
    }
    this.#release()
  }

  #begin(): void {
    const { direction, activeLow } = this.#request
    // onoff says nothing when a line that was exported before refuses its settings.
    if (this.#gpio.activeLow() !== activeLow) this.#gpio.setActiveLow(activeLow)
    if (direction === 'out') return this.#drive(false)
    this.#gpio.setEdge('both')
    this.#active = this.#gpio.readSync() === 1
    this.#gpio.watch((error, value) => {
      if (error) return this.#lost.tell(this.#fault(error))
      this.#active = value === 1
      this.#listener(this.#active)
    })
  }

  #drive(active: boolean): void {
    this.#gpio.setDirection(directionOf(this.#request, active))
    this.#active = active
  }

  #fault(thrown: unknown): AppError {
    return onoffError(thrown, this.chip, this.#request.line, this.#number)
  }

  #release(): void {
    try {
      this.#gpio.unexport()
    } catch {
      // The line has gone.
    }
  }
}
