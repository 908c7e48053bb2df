import type { Clock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { Chip } from './chip-choice.ts'
import type { ToolsVersion } from './gpiod-syntax.ts'
import type { PinRequest } from './pin.ts'

export interface GpiodOptions {
  readonly clock: Clock
  /** Where the tools are; the search path unless told otherwise. */
  readonly toolsFolder?: string | undefined
  readonly procFolder?: string | undefined
}

/** What the pins need of the tools. */
export interface Tools extends GpiodOptions {
  readonly version: ToolsVersion
  path(tool: string): string
  /** The fault of a tool that has ended, with who holds the line where that can be found out. */
  failure(tool: string, chip: Chip, request: PinRequest, ended: string | AppError): Promise<AppError>
}
