import { z } from 'zod'

const status = z.enum(['ok', 'degraded', 'failing'])
const checkStatus = z.enum(['ok', 'warning', 'failed'])

const checkView = z
  .object({
    name: z.string(),
    status: checkStatus,
    message: z.string().describe('What it found; where it is not ok, what to do'),
  })
  .readonly()
export type CheckView = z.output<typeof checkView>

/** Answer of GET /health; its status is 200, or 503 when a check that everything hangs on has failed. */
export const healthView = z
  .object({
    status,
    score: z.int().min(0).max(100),
    version: z.string(),
    uptimeSeconds: z.number().min(0),
    checks: z.array(checkView).readonly(),
  })
  .readonly()
  .meta({ id: 'Health' })
export type HealthView = z.output<typeof healthView>

/** What strangers hear of it. */
export const healthShortView = z
  .object({
    status,
    score: z.int().min(0).max(100),
    checks: z.array(z.object({ name: z.string(), status: checkStatus }).readonly()).readonly(),
  })
  .readonly()
  .meta({ id: 'HealthInShort' })

/** One moment of the gateway; once a second on the topic `metrics`, and as columns from GET /metrics/series. */
export const metricsSample = z
  .object({
    ts: z.number().describe('Milliseconds since 1970'),
    rssBytes: z.number(),
    heapBytes: z.number(),
    cpuCores: z.number().describe('Share of one core, 0 to 1 and above'),
    eventLoopP99Ms: z.number(),
    boardsConnected: z.number(),
    jobsRunning: z.number(),
    jobsWaiting: z.number(),
    linkOutBytesPerSecond: z.number().describe('Over all board links'),
    linkInBytesPerSecond: z.number(),
    mqttMessagesPerSecond: z.number(),
    mqttClients: z.number(),
    webSocketClients: z.number(),
    httpRequestsPerSecond: z.number(),
  })
  .readonly()
  .meta({ id: 'MetricsSample' })
export type MetricsSample = z.output<typeof metricsSample>

/** Answer of GET /metrics/series: the samples of the last minutes, oldest first. */
export const metricsSeriesView = z
  .object({ everyMs: z.number(), samples: z.array(metricsSample).readonly() })
  .readonly()
export type MetricsSeriesView = z.output<typeof metricsSeriesView>

/** Answer of GET /metrics/series with a range: means of each step, with the fields that were asked for. */
export const metricsHistoryView = z
  .object({
    everyMs: z.number(),
    samples: z.array(metricsSample.unwrap().partial().required({ ts: true }).readonly()).readonly(),
  })
  .readonly()
export type MetricsHistoryView = z.output<typeof metricsHistoryView>
