import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** 50 looks a second: each costs a few microseconds. */
const resolutionMs = 20
/** A page is fetched seldom; what blocked the loop ten seconds ago should still be seen. */
const rememberedTurns = 15

export interface ProcessReading {
  readonly rssBytes: number
  readonly heapBytes: number
  /** Of this process since its start, user and system. */
  readonly cpuSeconds: number
}

/** What the process costs and how long its event loop is held up. */
export class ProcessMeter {
  /** A histogram does not count the pause that it is reset in: while one is fresh, the other one has seen everything. */
  #older: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs })
  #newer: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs })
  readonly #recentMs: number[] = []

  start(): void {
    this.#older.enable()
    this.#newer.enable()
  }

  stop(): void {
    this.#older.disable()
    this.#newer.disable()
  }

  read(): ProcessReading {
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    return { rssBytes: rss, heapBytes: heapUsed, cpuSeconds: (user + system) / 1e6 }
  }

  /** Delay of the event loop in the last two turns, 99th percentile; begins a new turn. */
  turn(): number {
    const read = this.#older
    // The histogram holds the time between two looks, which is the pause itself where nothing is late.
    const p99Ms = read.count === 0 ? 0 : read.percentile(99) / 1e6 - resolutionMs
    read.reset()
    this.#older = this.#newer
    this.#newer = read
    const delayMs = Math.max(0, p99Ms)
    this.#recentMs.push(delayMs)
    if (this.#recentMs.length > rememberedTurns) this.#recentMs.shift()
    return delayMs
  }

  /** The worst of the last 15 turns. */
  get worstP99Ms(): number {
    return Math.max(0, ...this.#recentMs)
  }
}

/** Open files and sockets of this process; null where the system does not tell. */
export const openFiles = (): Promise<number | null> =>
  readdir('/proc/self/fd').then(
    names => names.length,
    () => null,
  )

export interface MemoryReading {
  readonly rssBytes: number
  /** What the process may use: the limit of its control group, else all memory; null: not known. */
  readonly limitBytes: number | null
  /** What the machine has left; null: not known. */
  readonly availableBytes: number | null
}

/** Memory of the machine and of the control group (cgroup v2, memory.high before memory.max). */
export async function readMemory(root = '/'): Promise<MemoryReading> {
  const text = (path: string): Promise<string> => readFile(join(root, path), 'utf8').catch(() => '')
  const info = await text('proc/meminfo')
  const kilobytes = (name: string): number | null => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(info)?.[1]
    return found === undefined ? null : Number(found) * 1024
  }
  const group = /^0::\/(.*)$/m.exec(await text('proc/self/cgroup'))?.[1]
  const limits = [kilobytes('MemTotal')]
  if (group !== undefined) {
    for (const file of ['memory.high', 'memory.max']) {
      const limit = Number.parseInt(await text(`sys/fs/cgroup/${group}/${file}`), 10)
      limits.push(Number.isNaN(limit) ? null : limit)
    }
  }
  const known = limits.filter(limit => limit !== null)
  return {
    rssBytes: process.memoryUsage.rss(),
    limitBytes: known.length === 0 ? null : Math.min(...known),
    availableBytes: kilobytes('MemAvailable'),
  }
}
