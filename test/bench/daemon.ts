import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { ControlClient } from '../../src/cli/control-client.ts'
import type { DoneReport } from '../../src/upload/report.ts'
import type { BoardView } from '../../src/wire/board.ts'
import type { JobView } from '../../src/wire/job.ts'
import type { StoredPatternView } from '../../src/wire/pattern.ts'
import { stop } from '../support/pty.ts'
import { processCpuSeconds } from './process-cpu.ts'

const readyTimeoutMs = 30_000
const pollMs = 50

export interface DaemonOptions {
  /** The gateway's main file. */
  readonly main: string
  readonly ports: readonly string[]
  readonly baudRate: number
  readonly env?: Readonly<Record<string, string>>
}

/** `pixelgate serve` with a state of its own that outlives its kills. */
export class Daemon {
  readonly #options: DaemonOptions
  readonly #folder: string
  readonly client: ControlClient
  #child: ChildProcess | undefined

  constructor(options: DaemonOptions, folder: string) {
    this.#options = options
    this.#folder = folder
    this.client = new ControlClient(join(folder, 'control.sock'))
  }

  static async start(options: DaemonOptions): Promise<Daemon> {
    const folder = await mkdtemp(join(tmpdir(), 'daemon-'))
    const links = options.ports.map(path => ({ kind: 'serial', path, baudRate: options.baudRate }))
    const config = {
      stateDir: join(folder, 'state'),
      controlSocket: join(folder, 'control.sock'),
      links,
      discovery: 'off',
      http: { host: '127.0.0.1', port: 0 },
      mqtt: { listeners: [] },
      log: { level: 'silent' },
    }
    await writeFile(join(folder, 'config.json'), JSON.stringify(config))
    const daemon = new Daemon(options, folder)
    await daemon.run()
    return daemon
  }

  /** Starts the process; also after a kill. */
  async run(): Promise<void> {
    const { main, env } = this.#options
    const child = spawn(process.execPath, [main, 'serve', '--config', join(this.#folder, 'config.json')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    })
    this.#child = child
    const timer = setTimeout(() => void stop(child), readyTimeoutMs)
    const output = createInterface({ input: child.stdout })
    const ready = await new Promise<boolean>(resolve => {
      output.once('line', () => resolve(true))
      child.once('exit', () => resolve(false))
    })
    clearTimeout(timer)
    if (!ready) throw new Error('the daemon did not start')
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child !== undefined) await stop(this.#child)
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  cpuSeconds(): Promise<number> {
    return processCpuSeconds(this.#child?.pid)
  }

  async boardsConnected(count: number, timeoutMs: number): Promise<void> {
    await until(timeoutMs, `${count} boards`, async () => {
      const { boards } = await this.client.get<{ boards: BoardView[] }>('/boards')
      return boards.filter(({ state }) => state === 'connected').length === count || undefined
    })
  }

  /** Hands over a file for all boards; the jobs as they were made. */
  async upload(name: string, bytes: Uint8Array, raw: boolean): Promise<JobView[]> {
    const { pattern } = await this.client.postBytes<StoredPatternView>(
      `/patterns?name=${name}&raw=${raw}`,
      bytes,
    )
    return (
      await this.client.post<{ jobs: JobView[] }>('/jobs', { patternId: pattern.id, boards: 'all', raw })
    ).jobs
  }

  async jobs(ids: readonly string[]): Promise<JobView[]> {
    return Promise.all(ids.map(async id => (await this.client.get<{ job: JobView }>(`/jobs/${id}`)).job))
  }

  report(id: string): Promise<DoneReport> {
    return this.client.get(`/jobs/${id}/report`)
  }

  /** Waits for the end of a job; its report, or undefined when it was not done in time. */
  async outcome(id: string, timeoutMs: number): Promise<DoneReport | undefined> {
    const state = await until(timeoutMs, 'the end of the job', async () => {
      const [job] = await this.jobs([id])
      return job !== undefined && ['done', 'failed', 'cancelled'].includes(job.state) ? job.state : undefined
    }).catch(() => undefined)
    return state === 'done' ? this.report(id) : undefined
  }
}

/** Asks again and again until something comes; rejects after the deadline. */
export async function until<T>(
  timeoutMs: number,
  what: string,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  for (const startMs = performance.now(); ; await sleep(pollMs)) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() - startMs > timeoutMs) throw new Error(`waited ${timeoutMs} ms for ${what}`)
  }
}
