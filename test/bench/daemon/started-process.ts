import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { stop } from '../../support/pty.ts'
import { processCpuSeconds } from '../process-cpu.ts'

const startTimeoutMs = 120_000

export interface StartedProcess {
  readonly child: ChildProcess
  /** The line of its output that showed that it is ready. */
  readonly readyLine: string
  /** From spawn to that line. */
  readonly readyMs: number
  cpuSeconds(): Promise<number>
  /** Resident and proportional memory. */
  memoryBytes(): Promise<{ readonly rss: number; readonly pss: number }>
  /** SIGTERM; SIGKILL when it has not ended after five seconds. */
  end(): Promise<void>
}

/** Starts a program and waits for the first line, of stdout or of stderr, that `isReady` takes. */
export async function startProcess(
  program: string,
  args: readonly string[],
  isReady: (line: string) => boolean,
  env: Readonly<Record<string, string>> = {},
): Promise<StartedProcess> {
  const beganMs = performance.now()
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const said: string[] = []
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    void stop(child)
  }, startTimeoutMs)
  try {
    const readyLine = await new Promise<string>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => {
        const how = isLate ? `was not ready within ${startTimeoutMs / 1000} s` : 'ended before it was ready'
        reject(new Error([`${program} ${how}`, ...said.slice(-5)].join('\n')))
      })
      for (const input of [child.stdout, child.stderr]) {
        createInterface({ input }).on('line', line => {
          if (said.length < 100) said.push(line)
          if (isReady(line)) resolve(line)
        })
      }
    })
    const readyMs = performance.now() - beganMs
    return {
      child,
      readyLine,
      readyMs,
      cpuSeconds: () => processCpuSeconds(child.pid),
      memoryBytes: () => memoryOf(child.pid),
      end: () => end(child),
    }
  } catch (error) {
    await stop(child)
    throw error
  } finally {
    clearTimeout(late)
  }
}

async function memoryOf(pid: number | undefined): Promise<{ rss: number; pss: number }> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024
  return { rss: bytes('Rss'), pss: bytes('Pss') }
}

const endTimeoutMs = 5000

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const late = setTimeout(() => void stop(child), endTimeoutMs)
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exited
  clearTimeout(late)
}
