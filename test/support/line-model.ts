import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'
import { processCpuSeconds } from '../bench/process-cpu.ts'
import { stop } from './pty.ts'

const folder = fileURLToPath(new URL('../bench/line-model', import.meta.url))
const buildTimeoutMs = 120_000
const answerTimeoutMs = 60_000

export interface LineModelOptions {
  /** Bits per second, 8N1, both directions. */
  readonly baudRate: number
  /** For each bit of data, both directions; default 0. */
  readonly bitErrorRate?: number
  readonly seed?: number
  /** Bytes for the host wait so long or for 62 of them, as in an FTDI adapter; default 0. */
  readonly adapterLatencyMs?: number
  /** Taken from a writer ahead of the line; default 4096. */
  readonly fifoBytes?: number
  readonly lines?: number
  /** The C board library in place of a terminal at the board's end. */
  readonly nativeBoard?: boolean
  /** The native board restarts once after so many bytes. */
  readonly resetAtByte?: number
  /** Follow the rate set on the host's terminal; `baudRate` is then the first one of the board. */
  readonly followBaud?: boolean
  /** Unplug the host's end after exactly so many bytes to the board, or to the host. */
  readonly cutOutBytes?: number
  readonly cutInBytes?: number
  /** Plug it in again after so long; default never. */
  readonly replugMs?: number
}

export interface LineStatistics {
  /** Handed to the board. */
  readonly bytesOut: number
  /** Handed to the host. */
  readonly bytesIn: number
  readonly bitErrors: number
  /** Lost because a reader was too slow. */
  readonly overrunBytes: number
  readonly busyOutMs: number
  readonly busyInMs: number
  readonly cuts: number
  readonly resets: number
  /** Bytes that a native board wrote to its storage though they were there already. */
  readonly rewrittenBytes: number
}

export interface LineModel {
  /** Of each line: the paths of the host's terminal and of the board's (none with a native board). */
  readonly lines: readonly { readonly host: string; readonly board: string }[]
  /** CPU time of the model so far, in seconds. */
  cpuSeconds(): Promise<number>
  statistics(): Promise<LineStatistics[]>
  cut(line: number): void
  plug(line: number): void
  /** Restarts the native board. */
  resetBoard(line: number): void
  /** Ends the model; the statistics of its life. May be called again. */
  stop(): Promise<LineStatistics[]>
}

/** Builds the model if needed, and starts it. Call `stop` at teardown. */
export async function startLineModel(options: LineModelOptions): Promise<LineModel> {
  await promisify(execFile)('make', ['-s'], { cwd: folder, timeout: buildTimeoutMs })
  const links = await mkdtemp(join(tmpdir(), 'line-'))
  const child = spawn(join(folder, 'build/line-model'), argumentsOf(options, links), {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const model = new RunningModel(child, links)
  try {
    await model.start()
    return model
  } catch (error) {
    await model.stop().catch(() => undefined)
    throw error
  }
}

function argumentsOf(options: LineModelOptions, links: string): string[] {
  const values: Record<string, number | string | undefined> = {
    '--baud': options.baudRate,
    '--ber': options.bitErrorRate,
    '--seed': options.seed,
    '--adapter-latency': options.adapterLatencyMs,
    '--fifo': options.fifoBytes,
    '--lines': options.lines,
    '--host-link': join(links, 'host%d'),
    '--board-link': options.nativeBoard ? undefined : join(links, 'board%d'),
    '--board': options.nativeBoard ? 'native' : undefined,
    '--reset-at-byte': options.resetAtByte,
    '--cut-out': options.cutOutBytes,
    '--cut-in': options.cutInBytes,
    '--replug': options.replugMs,
  }
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [name, String(value)],
  )
  return options.followBaud ? [...given, '--follow-baud'] : given
}

interface Answer {
  readonly ready?: true
  readonly stats?: true
  readonly stopped?: true
  readonly lines: unknown
}

class RunningModel implements LineModel {
  lines: LineModel['lines'] = []
  readonly #child: ChildProcess
  readonly #links: string
  readonly #waits: { resolve(answer: Answer): void; reject(error: Error): void }[] = []
  #stopping: Promise<LineStatistics[]> | undefined

  constructor(child: ChildProcess, links: string) {
    this.#child = child
    this.#links = links
    const lost = () => {
      for (const wait of this.#waits.splice(0)) wait.reject(new Error('the line model has ended'))
    }
    child.once('error', lost)
    if (child.stdout) {
      const output = createInterface({ input: child.stdout })
      output.on('line', line => this.#waits.shift()?.resolve(JSON.parse(line) as Answer))
      output.once('close', lost)
    }
    child.stdin?.on('error', () => undefined)
  }

  async start(): Promise<void> {
    this.lines = (await this.#answer()).lines as LineModel['lines']
  }

  cpuSeconds(): Promise<number> {
    return processCpuSeconds(this.#child.pid)
  }

  async statistics(): Promise<LineStatistics[]> {
    const answer = this.#answer()
    this.#child.stdin?.write('stats\n')
    return (await answer).lines as LineStatistics[]
  }

  cut(line: number): void {
    this.#child.stdin?.write(`cut ${line}\n`)
  }

  plug(line: number): void {
    this.#child.stdin?.write(`plug ${line}\n`)
  }

  resetBoard(line: number): void {
    this.#child.stdin?.write(`reset ${line}\n`)
  }

  stop(): Promise<LineStatistics[]> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<LineStatistics[]> {
    try {
      const answer = this.#answer()
      this.#child.stdin?.end()
      return (await answer).lines as LineStatistics[]
    } finally {
      await stop(this.#child)
      await rm(this.#links, { recursive: true, force: true })
    }
  }

  #answer(): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => this.#waits.push({ resolve, reject }))
    return withDeadline(systemClock, answerTimeoutMs, answer, 'link_failed', 'the line model does not answer')
  }
}
