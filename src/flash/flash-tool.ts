import type { AppError } from '../kernel/errors.ts'

export type FlashPhase = 'connecting' | 'writing' | 'verifying'

export interface FlashProgress {
  readonly phase: FlashPhase
  /** 0 … 1 of the phase. */
  readonly share: number
}

/** The serial port and the image of one run. */
export interface FlashTarget {
  readonly port: string
  readonly imageFile: string
}

/** A program that talks to a bootloader. */
export interface FlashTool {
  /** Names under which it is installed; the first that is there is run. */
  readonly commands: readonly string[]
  /** How it is installed on Debian. */
  readonly install: string
  /** Formats of images that it takes. */
  readonly imageSuffixes: readonly string[]
  /** Longest time until the board has answered, which the first progress tells. */
  readonly connectMs: number
  /** Longest time that a whole run may take. */
  readonly deadlineMs: number
  argv(target: FlashTarget): readonly string[]
  /** A reader of one run's output: takes pieces as they come, returns where the run has come to since. */
  readProgress(): (text: string) => readonly FlashProgress[]
  /** The fault of a run that failed, from what it said. */
  fault(said: string, label: string, port: string): AppError
}
