import { spawn } from 'node:child_process'

const saidCapBytes = 64 * 1024 * 1024
const wordsCap = 4_000

export interface CommandOptions {
  readonly timeoutMs: number
  readonly cwd?: string | undefined
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** stdout and stderr go here instead of being returned. */
  readonly show?: boolean
}

/** Runs a program and returns its stdout. Throws with its last words when it fails, is missing or takes too long. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  const { timeoutMs, cwd, env, show = false } = options
  return new Promise((resolve, reject) => {
    const sink = show ? 'inherit' : 'pipe'
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', show ? 2 : sink, sink],
    })
    let [out, err] = ['', '']
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeoutMs)
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < saidCapBytes) out += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-wordsCap)
    })
    child.once('error', cause => {
      clearTimeout(timer)
      reject(new Error(`${command} cannot be started: ${cause.message}`, { cause }))
    })
    child.once('close', (status, signal) => {
      clearTimeout(timer)
      if (status === 0) return resolve(out)
      const how = late ? `took more than ${timeoutMs / 1000} s` : `ended with ${status ?? signal}`
      reject(new Error(`${command} ${args[0] ?? ''} ${how}: ${err || out.slice(-wordsCap)}`))
    })
  })
}
