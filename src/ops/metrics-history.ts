import { retry } from '../guard/retry.ts'
import type { Clock } from '../kernel/clock.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { MetricsMinute } from '../store/tables/metrics-minutes.ts'
import type { MetricsSample, MetricsSampler } from './metrics-sampler.ts'
import { clockIsSet } from './wall-clock.ts'

const minuteMs = 60_000
/** 7 days. */
const keptMs = 7 * 24 * 60 * minuteMs
/** Written together: each write wears an SD card. A power cut costs this much of the past at most. */
const writtenTogether = 10
const maxPoints = 1000

export interface HistoryQuery {
  readonly fromMs: number
  readonly toMs: number
  /** Left out: as fine as it is kept, with 1,000 points at most. */
  readonly stepMs?: number | undefined
}

export interface HistorySeries {
  readonly everyMs: number
  readonly samples: readonly (Partial<MetricsSample> & { readonly ts: number })[]
}

export interface HistoryOptions {
  readonly clock: Clock
  readonly log: Log
  readonly sampler: Pick<MetricsSampler, 'series' | 'onSample'>
  readonly store: {
    add(rows: {
      readonly minutes: readonly MetricsMinute[]
      readonly keepFromMs: number
      readonly keepToMs: number
    }): Promise<void>
    between(range: { readonly fromMs: number; readonly toMs: number }): Promise<readonly MetricsMinute[]>
  }
}

interface Point {
  readonly ts: number
  readonly values: Readonly<Record<string, number>>
}

/** What the metrics were: each second of the last 15 minutes, each minute of the last seven days. */
export class MetricsHistory {
  readonly #options: HistoryOptions
  #minute: number | undefined
  #samples: MetricsSample[] = []
  #unwritten: MetricsMinute[] = []
  #end: (() => void) | undefined

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /** Wall time. */
  get nowMs(): number {
    return this.#options.clock.wallTime()
  }

  start(): void {
    this.#end = this.#options.sampler.onSample(sample => this.#take(sample))
  }

  /** Writes what is left. Never rejects. */
  async stop(): Promise<void> {
    this.#end?.()
    this.#closeMinute()
    await this.#write()
  }

  /** Means of each step (of the event loop's delay the highest), the oldest first; steps of which nothing is known are left out. */
  async series({ fromMs, toMs, stepMs }: HistoryQuery): Promise<HistorySeries> {
    const { samples, everyMs: fineMs } = this.#options.sampler.series()
    const oldestFine = samples[0]?.ts ?? Number.POSITIVE_INFINITY
    const isFine = fromMs >= oldestFine - minuteMs && (stepMs ?? fineMs) < minuteMs
    const finest = isFine ? fineMs : minuteMs
    const least = Math.ceil((toMs - fromMs) / maxPoints / finest) * finest
    const everyMs = Math.max(finest, least, Math.round((stepMs ?? finest) / finest) * finest)
    const points = isFine ? fine(samples) : await this.#minutes(fromMs, toMs)
    const steps = new Map<number, Point[]>()
    for (const point of points) {
      if (point.ts < fromMs || point.ts >= toMs) continue
      const ts = fromMs + Math.floor((point.ts - fromMs) / everyMs) * everyMs
      const step = steps.get(ts)
      if (step === undefined) steps.set(ts, [point])
      else step.push(point)
    }
    const found = [...steps].sort(([a], [b]) => a - b)
    return {
      everyMs,
      samples: found.map(([ts, parts]) => ({ ts, ...means(parts.map(part => part.values)) })),
    }
  }

  async #minutes(fromMs: number, toMs: number): Promise<readonly Point[]> {
    const stored = await this.#options.store.between({ fromMs: fromMs - minuteMs, toMs })
    const known = new Map(stored.map(minute => [minute.ts, minute]))
    for (const minute of this.#unwritten) known.set(minute.ts, minute)
    const now = this.#aggregate()
    if (now !== undefined) known.set(now.ts, now)
    return [...known.values()].sort((a, b) => a.ts - b.ts)
  }

  #take(sample: MetricsSample): void {
    const minute = Math.floor(sample.ts / minuteMs)
    if (minute !== this.#minute) {
      this.#closeMinute()
      if (this.#unwritten.length >= writtenTogether) void this.#write()
      this.#minute = minute
    }
    this.#samples.push(sample)
  }

  #closeMinute(): void {
    const minute = this.#aggregate()
    this.#samples = []
    if (minute !== undefined) this.#unwritten.push(minute)
  }

  #aggregate(): MetricsMinute | undefined {
    if (this.#minute === undefined || this.#samples.length === 0) return undefined
    return { ts: this.#minute * minuteMs, values: means(fine(this.#samples).map(({ values }) => values)) }
  }

  async #write(): Promise<void> {
    const { clock, log, store } = this.#options
    const nowMs = clock.wallTime()
    const minutes = this.#unwritten
    // A machine without a clock of its own begins in 1970: those minutes belong nowhere.
    if (minutes.length === 0 || !clockIsSet(nowMs)) {
      this.#unwritten = minutes.slice(-writtenTogether)
      return
    }
    this.#unwritten = []
    const [keepFromMs, keepToMs] = [nowMs - keptMs, nowMs + minuteMs]
    await retry(() => store.add({ minutes, keepFromMs, keepToMs }), { clock }).catch((thrown: unknown) => {
      log.warn(
        { err: toError(thrown), minutes: minutes.length },
        'metrics of the last minutes could not be kept',
      )
    })
  }
}

const fine = (samples: readonly MetricsSample[]): readonly Point[] =>
  samples.map(({ ts, ...values }) => ({ ts, values }))

function means(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const result: Record<string, number> = {}
  for (const name of Object.keys(parts[0] ?? {})) {
    const values = parts.map(part => part[name] ?? 0)
    const value =
      name === 'eventLoopP99Ms'
        ? Math.max(...values)
        : values.reduce((sum, each) => sum + each, 0) / values.length
    result[name] = Math.round(value * 1000) / 1000
  }
  return result
}
