import type { Readable, Writable } from 'node:stream'
import type { ParseArgsConfig } from 'node:util'

/** What a command may touch of the process that runs it. */
export interface Surroundings {
  readonly stdout: Writable & { isTTY?: boolean; columns?: number }
  readonly stderr: Writable & { isTTY?: boolean; columns?: number }
  /** Where a password is read from, when it is not the process's own. */
  readonly stdin?: Readable & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown }
  /** The environment, where it is not the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** Runs the daemon until the signal; given by the composition root. */
  readonly serve: (flags: ServeFlags, surroundings: Surroundings) => Promise<number>
}

export interface ServeFlags {
  readonly configFile: string | undefined
  readonly stateDir: string | undefined
}

export type OptionSpec = NonNullable<ParseArgsConfig['options']>[string] & {
  /** Placeholder of the value in the help, such as `FILE`. */
  readonly value?: string
  readonly help: string
}

export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

/** An option as it stands on the command line. */
export interface GivenOption {
  readonly name: string
  /** undefined: it takes none. */
  readonly value: string | undefined
}

export interface Command {
  /** Words after `pixelgate`, such as `pattern inspect`. */
  readonly name: string
  readonly summary: string
  /** Positional arguments as the usage line shows them. */
  readonly operands: string
  readonly operandCount: readonly [least: number, most: number]
  /** Operands may begin with a hyphen, such as `-TAG`; options are then written with two. */
  readonly signedOperands?: boolean
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples: readonly string[]
  /** `given`: the options in their order, for commands that do one thing after the other. */
  run(
    operands: readonly string[],
    options: OptionValues,
    surroundings: Surroundings,
    given?: readonly GivenOption[],
  ): Promise<number>
}
