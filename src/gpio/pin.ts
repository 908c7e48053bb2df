import type { AppError } from '../kernel/errors.ts'

export type Bias = 'as-is' | 'disabled' | 'pull-up' | 'pull-down'

export interface PinRequest {
  /** Label (`pinctrl-bcm2711`) or name (`gpiochip0`) of the chip; `auto`: the one behind the header of a Raspberry Pi. */
  readonly chip: string
  /** Offset on the chip; on the header of a Pi that is the BCM number. */
  readonly line: number
  readonly direction: 'in' | 'out'
  /** Active is the low level. */
  readonly activeLow: boolean
  readonly bias: Bias
  /** open-drain: low is driven, high is left to the other side's pull-up. */
  readonly drive: 'push-pull' | 'open-drain'
  /** Edges come with their age, where the backend knows it. */
  readonly timed?: boolean
}

/** One line that this process holds. Levels are logical: true is active, whatever the polarity. */
export interface Pin {
  /** Label of the chip that it was found on. */
  readonly chip: string
  /** The level now; of an output, what was written last. */
  read(): boolean
  /** Resolves when the line has the level. Rejects with `gpio_failed`; the pin is then lost. */
  write(active: boolean): Promise<void>
  /** Every edge, bounces too, as the level after it and how long ago it was. The one listener: a later call takes over. */
  watch(listener: (active: boolean, agoMs?: number) => void): void
  /** Called once when the line was taken away, at once if it is already; not after `close`. A later call takes over. */
  onLost(listener: (error: AppError) => void): void
  /** Leaves an output inactive and gives the line back. May be called again; never rejects. */
  close(): Promise<void>
}

export interface PinBackend {
  readonly name: 'gpiod' | 'onoff' | 'memory'
  /** An output begins inactive. Rejects with `gpio_failed`, whose message says what to do. */
  open(request: PinRequest): Promise<Pin>
}
