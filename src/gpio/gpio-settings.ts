import type { ButtonAction } from './gpio-view.ts'

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

/** What the configuration says below `gpio`. */
export interface GpioSettings {
  readonly enabled: boolean
  readonly backend: 'auto' | 'gpiod' | 'onoff' | 'memory'
  readonly chip: string
  readonly buttons: readonly ButtonSettings[]
  readonly statusLed: LedSettings | null
  readonly resetLines: readonly ResetSettings[]
}
