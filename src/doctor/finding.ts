import type { Config } from '../config/resolve-config.ts'
import type { DaemonAnswer } from './ask-daemon.ts'
import type { Machine } from './machine.ts'

/** What a check found. */
export interface Finding {
  /** `serial-ports` */
  readonly check: string
  /** problem: the gateway cannot do its work, or a part of it. */
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
  /** What to do; null where nothing is to be done. */
  readonly cure: string | null
}

/** A finding before it has its check's name. */
export type Found = Omit<Finding, 'check'>

export interface Examined {
  readonly machine: Machine
  readonly config: Config
  readonly daemon: DaemonAnswer
  /** Aborted at the deadline of the check. */
  readonly signal: AbortSignal
}

export interface Check {
  readonly name: string
  /** 5 s unless told otherwise. */
  readonly deadlineMs?: number
  run(examined: Examined): Promise<readonly Found[]>
}

export const fine = (message: string): Found => ({ status: 'ok', message, cure: null })
export const warning = (message: string, cure: string): Found => ({ status: 'warning', message, cure })
export const problem = (message: string, cure: string): Found => ({ status: 'problem', message, cure })
