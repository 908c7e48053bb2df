export interface CheckView {
  readonly name: string
  readonly status: 'ok' | 'warning' | 'failed'
  /** What it found; where it is not ok, what to do. */
  readonly message: string
}

/** Answer of GET /health; its status is 200, or 503 when a check that everything hangs on has failed. */
export interface HealthView {
  readonly status: 'ok' | 'degraded' | 'failing'
  /** 0 to 100 (docs/operations.md has the formula). */
  readonly score: number
  readonly version: string
  readonly uptimeSeconds: number
  readonly checks: readonly CheckView[]
}

/** One moment of the gateway; once a second on the topic `metrics`, and as columns from GET /metrics/series. */
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
  /** Bytes a second over all board links. */
  readonly linkOutBytesPerSecond: number
  readonly linkInBytesPerSecond: number
  readonly mqttMessagesPerSecond: number
  readonly mqttClients: number
  readonly webSocketClients: number
  readonly httpRequestsPerSecond: number
}

/** Answer of GET /metrics/series: the samples of the last minutes, oldest first. */
export interface MetricsSeriesView {
  readonly everyMs: number
  readonly samples: readonly MetricsSample[]
}
