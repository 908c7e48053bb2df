import type { ButtonAction } from './gpio-view.ts'
import type { Bias } from './pin.ts'

export interface ButtonSettings {
  readonly name?: string | undefined
  readonly line: number
  readonly action: ButtonAction
  /** Id or name; without it: all boards. */
  readonly board?: string | undefined
  readonly activeLow: boolean
  readonly debounceMs: number
}

export interface LedSettings {
  readonly line: number
  readonly activeLow: boolean
}

export interface ResetSettings {
  /** Id or name. */
  readonly board: string
  readonly line: number
  readonly activeLow: boolean
  readonly pulseMs: number
}

/** A line that only says what it sees. */
export interface InputSettings {
  readonly kind: 'input'
  readonly name?: string | undefined
  readonly line: number
  readonly activeLow: boolean
  /** Without it: away from the active level. */
  readonly bias?: Bias | undefined
  readonly debounceMs: number
}

/** A line that people and programs may switch. */
export interface OutputSettings {
  readonly kind: 'output'
  readonly name?: string | undefined
  readonly line: number
  readonly activeLow: boolean
  /** Level at the start, and whenever the line was lost and is back. */
  readonly initial: boolean
  readonly maxPulseMs: number
}

/** What the configuration says below `gpio`. */
export interface GpioSettings {
  readonly enabled: boolean
  readonly backend: 'auto' | 'gpiod' | 'onoff' | 'memory'
  readonly chip: string
  readonly buttons: readonly ButtonSettings[]
  readonly statusLed: LedSettings | null
  readonly resetLines: readonly ResetSettings[]
  readonly lines: readonly (InputSettings | OutputSettings)[]
}
