import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'

/** Node starts in half a second; several of them on a busy machine take a multiple of it. */
const startTimeoutMs = 45_000
const exitTimeoutMs = 20_000
/** What is shown of a process that did not do as it should. */
const keptErrorCharacters = 4000

export interface Exit {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

export interface StartOptions {
  /** The program's main file. */
  readonly main: string
  readonly args: readonly string[]
  /** Command that runs the program, put before it. */
  readonly before?: readonly string[]
}

/** A process of the program, which does not outlive this one. */
export class KillProcess {
  /** Settles when it is gone, however that came about. */
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  readonly #ready: Promise<Readonly<Record<string, unknown>>>
  #errors = ''

  constructor({ main, args, before = [] }: StartOptions) {
    const bound = ['--pdeathsig', 'KILL', ...before, process.execPath]
    const child = spawn('setpriv', [...bound, main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = `${this.#errors}${text}`.slice(-keptErrorCharacters)
    })
    this.exited = new Promise(resolve => {
      child.once('close', (status, signal) => resolve({ status, signal }))
      child.once('error', error => {
        this.#errors += error.message
        resolve({ status: null, signal: null })
      })
    })
    this.#ready = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', line => {
        if (line.startsWith('{"ready":true')) resolve(JSON.parse(line) as Record<string, unknown>)
      })
      void this.exited.then(() => reject(new Error(`${args[0]} ended before it was ready: ${this.errors}`)))
    })
    this.#ready.catch(() => undefined)
  }

  /** Its ready line; rejects when it ends before, or takes too long. */
  ready(): Promise<Readonly<Record<string, unknown>>> {
    return withDeadline(systemClock, startTimeoutMs, this.#ready, 'daemon_failed', 'it did not get ready')
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** The end of what it wrote to stderr. */
  get errors(): string {
    return this.#errors.trim()
  }

  /** At once: the signal is sent when this returns. */
  send(signal: 'SIGKILL' | 'SIGTERM'): void {
    if (!this.hasEnded) this.#child.kill(signal)
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit> {
    this.send(signal)
    return this.gone()
  }

  /** Rejects when it takes too long to end. */
  gone(): Promise<Exit> {
    const late = 'it did not end after a signal'
    return withDeadline(systemClock, exitTimeoutMs, this.exited, 'daemon_failed', late)
  }
}
