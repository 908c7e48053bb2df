import type { Metric, Registry } from 'prom-client'

export interface HttpObservation {
  readonly method: string
  /** `/api/v1/boards/:id`, never the path itself: a caller could make up any number of them. */
  readonly route: string
  readonly status: number
  readonly durationMs: number
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** Routes are written down in the program; the cap is for a mistake. */
const maxRoutes = 200
const bucketSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

interface Tally {
  readonly route: string
  readonly method: string
  /** By the first digit of the status; 0: no status of HTTP. */
  readonly byClass: number[]
  /** How many took longer than the bucket before and not longer than this one; the last one has no end. */
  readonly buckets: number[]
  sumSeconds: number
}

interface Value {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  readonly metricName?: string
}

/**
 * Requests by route template, method and status class, and their durations. Counted in plain arrays and turned into the form of
 * Prometheus when it asks: the library looks its labels up anew for each request, which costs more than answering from memory.
 */
export class RequestMetrics {
  readonly #tallies = new Map<string, Tally>()
  readonly #routes = new Set<string>()
  #count = 0

  constructor(registry: Registry) {
    const requests = 'pixelgate_http_requests_total'
    const help = 'Requests by route template, method and status class.'
    register(registry, { name: requests, help, type: 'counter', values: () => this.#requests() })
    const durations = 'pixelgate_http_request_duration_seconds'
    const about = 'Time until the answer began, by route template and method.'
    register(registry, {
      name: durations,
      help: about,
      type: 'histogram',
      values: () => this.#durations(durations),
    })
  }

  /** Requests since the start. */
  get count(): number {
    return this.#count
  }

  observe({ method, route, status, durationMs }: HttpObservation): void {
    this.#count += 1
    const tally = this.#tallies.get(`${method} ${route}`) ?? this.#add(method, route)
    const statusClass = status >= 100 && status < 600 ? Math.floor(status / 100) : 0
    tally.byClass[statusClass] = (tally.byClass[statusClass] ?? 0) + 1
    const seconds = durationMs / 1000
    let bucket = 0
    while (bucket < bucketSeconds.length && seconds > (bucketSeconds[bucket] ?? 0)) bucket += 1
    tally.buckets[bucket] = (tally.buckets[bucket] ?? 0) + 1
    tally.sumSeconds += seconds
  }

  #add(givenMethod: string, givenRoute: string): Tally {
    const known = this.#routes.has(givenRoute) || this.#routes.size < maxRoutes
    if (known) this.#routes.add(givenRoute)
    const route = known ? givenRoute : 'others'
    const method = methods.has(givenMethod) ? givenMethod : 'other'
    const key = `${method} ${route}`
    const tally = this.#tallies.get(key) ?? {
      ...{ route, method, sumSeconds: 0 },
      byClass: Array.from({ length: 6 }, () => 0),
      buckets: Array.from({ length: bucketSeconds.length + 1 }, () => 0),
    }
    this.#tallies.set(key, tally)
    return tally
  }

  #requests(): Value[] {
    return [...this.#tallies.values()].flatMap(({ route, method, byClass }) =>
      byClass.flatMap((value, statusClass) => {
        const status = statusClass === 0 ? 'other' : `${statusClass}xx`
        return value === 0 ? [] : [{ value, labels: { route, method, status } }]
      }),
    )
  }

  #durations(name: string): Value[] {
    return [...this.#tallies.values()].flatMap(({ route, method, buckets, sumSeconds }) => {
      let count = 0
      const upTo = buckets.map((value, at) => {
        count += value
        const labels = { le: bucketSeconds[at] ?? '+Inf', route, method }
        return { value: count, labels, metricName: `${name}_bucket` }
      })
      return [
        ...upTo,
        { value: sumSeconds, labels: { route, method }, metricName: `${name}_sum` },
        { value: count, labels: { route, method }, metricName: `${name}_count` },
      ]
    })
  }
}

interface Described {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'histogram'
  readonly values: () => Value[]
}

/** The registry asks a metric for `get` alone when it writes its text. */
function register(registry: Registry, { values, ...described }: Described): void {
  const metric = {
    ...described,
    aggregator: 'sum',
    get: async () => ({ ...described, aggregator: 'sum', values: values() }),
  }
  registry.registerMetric(metric as unknown as Metric)
}
