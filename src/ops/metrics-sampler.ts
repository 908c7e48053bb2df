import type { Clock, Timer } from '../kernel/clock.ts'
import type { Metrics, MetricsSources } from './metrics.ts'
import type { ProcessMeter } from './process-meter.ts'

/** One moment of the gateway, as GET /metrics/series and the live topic `metrics` show it. */
export interface MetricsSample {
  /** Milliseconds since 1970. */
  readonly ts: number
  readonly rssBytes: number
  readonly heapBytes: number
  /** Share of one core, 0 to 1 and above. */
  readonly cpuCores: number
  readonly eventLoopP99Ms: number
  readonly boardsConnected: number
  readonly jobsRunning: number
  readonly jobsWaiting: number
  readonly linkOutBytesPerSecond: number
  readonly linkInBytesPerSecond: number
  readonly mqttMessagesPerSecond: number
  readonly mqttClients: number
  readonly webSocketClients: number
  readonly httpRequestsPerSecond: number
}

export interface MetricsSeries {
  readonly everyMs: number
  /** Oldest first. */
  readonly samples: readonly MetricsSample[]
}

export interface SamplerOptions {
  readonly clock: Clock
  readonly sources: Pick<MetricsSources, 'boards' | 'mqtt' | 'webSocketClients'>
  readonly metrics: Pick<Metrics, 'requestCount'>
  readonly meter: ProcessMeter
}

const everyMs = 1000
/** 15 minutes. */
const keptSamples = 900
const runningStates = ['transferring', 'verifying', 'trial']
const waitingStates = ['queued', 'waiting']

interface Totals {
  readonly atMs: number
  readonly cpuSeconds: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly mqttMessages: number
  readonly requests: number
}

/** Takes a sample a second and keeps those of the last 15 minutes. */
export class MetricsSampler {
  readonly #options: SamplerOptions
  readonly #samples: MetricsSample[] = []
  readonly #listeners = new Set<(sample: MetricsSample) => void>()
  #timer: Timer | undefined
  #before: Totals | undefined
  #dueMs = 0

  constructor(options: SamplerOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, meter } = this.#options
    meter.start()
    this.#before = this.#totals()
    this.#dueMs = clock.now()
    this.#schedule()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#options.meter.stop()
  }

  series(): MetricsSeries {
    return { everyMs, samples: [...this.#samples] }
  }

  get last(): MetricsSample | undefined {
    return this.#samples.at(-1)
  }

  /** Called with each new sample until the function that comes back is called. */
  onSample(listener: (sample: MetricsSample) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The turns keep their distance to the first one, however late each of them comes; missed ones are left out. */
  #schedule(): void {
    const { clock } = this.#options
    const nowMs = clock.now()
    this.#dueMs += everyMs * Math.max(1, Math.ceil((nowMs - this.#dueMs) / everyMs))
    this.#timer = clock.setTimer(this.#dueMs - nowMs, () => {
      this.#schedule()
      this.#take()
    })
  }

  #take(): void {
    const { clock, sources, meter } = this.#options
    const before = this.#before
    const now = this.#totals()
    this.#before = now
    if (before === undefined) return
    const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000)
    const rate = (of: Exclude<keyof Totals, 'atMs'>): number => Math.max(0, (now[of] - before[of]) / seconds)
    const boards = sources.boards()
    const jobsIn = (states: readonly string[]): number =>
      boards.reduce((sum, { jobs }) => sum + states.reduce((part, state) => part + (jobs[state] ?? 0), 0), 0)
    const { rssBytes, heapBytes } = meter.read()
    const sample: MetricsSample = {
      ts: clock.wallTime(),
      rssBytes,
      heapBytes,
      cpuCores: round(rate('cpuSeconds'), 3),
      eventLoopP99Ms: round(meter.turn(), 1),
      boardsConnected: boards.filter(({ connected }) => connected).length,
      jobsRunning: jobsIn(runningStates),
      jobsWaiting: jobsIn(waitingStates),
      linkOutBytesPerSecond: Math.round(rate('bytesOut')),
      linkInBytesPerSecond: Math.round(rate('bytesIn')),
      mqttMessagesPerSecond: round(rate('mqttMessages'), 1),
      mqttClients: sources.mqtt().clients,
      webSocketClients: sources.webSocketClients(),
      httpRequestsPerSecond: round(rate('requests'), 1),
    }
    this.#samples.push(sample)
    if (this.#samples.length > keptSamples) this.#samples.shift()
    for (const listener of [...this.#listeners]) listener(sample)
  }

  #totals(): Totals {
    const { clock, sources, metrics, meter } = this.#options
    const boards = sources.boards()
    const { messagesIn, messagesOut } = sources.mqtt()
    return {
      atMs: clock.now(),
      cpuSeconds: meter.read().cpuSeconds,
      bytesIn: boards.reduce((sum, board) => sum + board.bytesIn, 0),
      bytesOut: boards.reduce((sum, board) => sum + board.bytesOut, 0),
      mqttMessages: messagesIn + messagesOut,
      requests: metrics.requestCount,
    }
  }
}

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits
