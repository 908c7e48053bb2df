import { execFile } from 'node:child_process'
import { AppError } from '../kernel/errors.ts'

/** A one-shot tool talks to the kernel only; on a Zero under load it needs tens of milliseconds. */
const toolTimeoutMs = 3_000
/** gpioinfo prints some 60 bytes for each line of a chip. */
const toldCapBytes = 256 * 1024

/** What a tool may know of our environment: nothing but where programs are. */
export const toolEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
}

export interface ToolAnswer {
  /** null: it was ended by force. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where a tool is, when not on the search path. */
export const toolPath = (folder: string | undefined, tool: string): string =>
  folder === undefined ? tool : `${folder}/${tool}`

/** Runs a tool to its end. Rejects with `gpio_failed` only when it cannot be started. */
export function runTool(command: string, args: readonly string[]): Promise<ToolAnswer> {
  const options = {
    timeout: toolTimeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: toldCapBytes,
    env: toolEnvironment,
  } as const
  return new Promise((resolve, reject) => {
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve({ status: 0, stdout, stderr })
      if (typeof error.code === 'string') return reject(cannotStart(command, error))
      resolve({ status: error.code ?? null, stdout, stderr })
    })
  })
}

/** The fault of a start: of a missing program above all. */
export function cannotStart(command: string, cause: Error & { readonly code?: unknown }): AppError {
  const message =
    cause.code === 'ENOENT'
      ? `${command} is not installed: sudo apt-get install gpiod`
      : `${command} cannot be started (${cause.message}).`
  return new AppError('gpio_failed', message, { cause })
}
