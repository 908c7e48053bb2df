import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from '../kernel/clock.ts'
import { LatencyHistogram, type LatencySummary } from './latency-histogram.ts'

/** http: an operation of the API; storage: a call to the database; statement: the SQL of such calls; upload: a phase of a job. */
export type ProfiledKind = 'http' | 'storage' | 'statement' | 'upload'

export interface ProfiledOperation extends LatencySummary {
  readonly kind: ProfiledKind
  readonly name: string
  /** Of them failed by a fault of the gateway. */
  readonly errors: number
}

export interface ProfileReport {
  readonly running: boolean
  /** Wall time of the start or the last reset. */
  readonly sinceMs: number
  readonly seconds: number
  readonly cpu: { readonly userSeconds: number; readonly systemSeconds: number; readonly cores: number }
  readonly memory: {
    readonly rssBytes: number
    readonly heapUsedBytes: number
    readonly heapTotalBytes: number
    readonly externalBytes: number
  }
  /** How late the event loop was; null: nothing was seen. */
  readonly eventLoop: {
    readonly p50Ms: number
    readonly p99Ms: number
    readonly maxMs: number
  } | null
  /** Those that ran, by kind, the one that took most time in all first. */
  readonly operations: readonly ProfiledOperation[]
}

interface Entry {
  readonly kind: ProfiledKind
  readonly name: string
  readonly times: LatencyHistogram
  errors: number
}

/** Names are written down in the program; the cap is for a mistake. */
const maxOperations = 600
const resolutionMs = 20

/** What takes how long, since it was started or reset. Stopped it costs one comparison a call. */
export class Profiler {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  #loop: IntervalHistogram | undefined
  #running = false
  #sinceMs = 0
  #beganMs = 0
  #seconds = 0
  #cpu: NodeJS.CpuUsage = { user: 0, system: 0 }
  #used: NodeJS.CpuUsage = { user: 0, system: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
    this.reset()
  }

  get running(): boolean {
    return this.#running
  }

  /** Goes on where it was stopped. False: it runs already. */
  start(): boolean {
    if (this.#running) return false
    this.#running = true
    this.#beganMs = this.#clock.now()
    this.#cpu = process.cpuUsage()
    this.#loop ??= monitorEventLoopDelay({ resolution: resolutionMs })
    this.#loop.enable()
    return true
  }

  /** The numbers stay. False: it was stopped already. */
  stop(): boolean {
    if (!this.#running) return false
    const { seconds, used } = this.#spent()
    this.#seconds = seconds
    this.#used = used
    this.#running = false
    this.#loop?.disable()
    return true
  }

  /** Begins at zero. */
  reset(): void {
    this.#entries.clear()
    this.#loop?.reset()
    this.#sinceMs = this.#clock.wallTime()
    this.#beganMs = this.#clock.now()
    this.#cpu = process.cpuUsage()
    this.#seconds = 0
    this.#used = { user: 0, system: 0 }
  }

  record(kind: ProfiledKind, name: string, ms: number, failed = false): void {
    if (!this.#running) return
    const entry = this.#entry(kind, name)
    entry.times.record(ms)
    if (failed) entry.errors += 1
  }

  report(): ProfileReport {
    const { seconds, used } = this.#running ? this.#spent() : { seconds: this.#seconds, used: this.#used }
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
    const [userSeconds, systemSeconds] = [used.user / 1e6, used.system / 1e6]
    return {
      running: this.#running,
      sinceMs: this.#sinceMs,
      seconds: Math.round(seconds * 1000) / 1000,
      cpu: {
        userSeconds,
        systemSeconds,
        cores: seconds > 0 ? Math.round(((userSeconds + systemSeconds) / seconds) * 1000) / 1000 : 0,
      },
      memory: { rssBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, externalBytes: external },
      eventLoop: this.#eventLoop(),
      operations: this.#operations(),
    }
  }

  #operations(): ProfiledOperation[] {
    const all = [...this.#entries.values()].flatMap(({ kind, name, errors, times }) => {
      const summary = times.summary()
      return summary === undefined ? [] : [{ kind, name, errors, ...summary }]
    })
    return all.sort((a, b) => a.kind.localeCompare(b.kind) || b.count * b.avgMs - a.count * a.avgMs)
  }

  #entry(kind: ProfiledKind, name: string): Entry {
    const key = `${kind} ${name}`
    const known = this.#entries.get(key)
    if (known !== undefined) return known
    if (this.#entries.size >= maxOperations && name !== 'others') return this.#entry(kind, 'others')
    const entry: Entry = { kind, name, times: new LatencyHistogram(), errors: 0 }
    this.#entries.set(key, entry)
    return entry
  }

  #spent(): { seconds: number; used: NodeJS.CpuUsage } {
    const { user, system } = process.cpuUsage(this.#cpu)
    return {
      seconds: this.#seconds + (this.#clock.now() - this.#beganMs) / 1000,
      used: { user: this.#used.user + user, system: this.#used.system + system },
    }
  }

  #eventLoop(): ProfileReport['eventLoop'] {
    const loop = this.#loop
    if (loop === undefined || loop.count === 0) return null
    // The histogram holds the time between two looks, which is the pause itself where nothing is late.
    const late = (ns: number): number => Math.max(0, Math.round((ns / 1e6 - resolutionMs) * 100) / 100)
    return { p50Ms: late(loop.percentile(50)), p99Ms: late(loop.percentile(99)), maxMs: late(loop.max) }
  }
}
