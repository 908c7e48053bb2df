import { z } from 'zod'
import { AppError } from '../../kernel/errors.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { MetricsHistory } from '../../ops/metrics-history.ts'
import type { MetricsSampler } from '../../ops/metrics-sampler.ts'
import {
  type MetricsHistoryView,
  type MetricsSeriesView,
  metricsHistoryView,
  metricsSample,
  metricsSeriesView,
} from '../../wire/health.ts'
import { bytes, json, type Operation, operation } from '../api/operation.ts'

const fields = Object.keys(metricsSample.unwrap().shape).filter(name => name !== 'ts')

/** Milliseconds since 1970, or ISO 8601. */
const moment = z
  .string()
  .max(40)
  .regex(/^\d{1,15}$|^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/, 'a time, such as 2026-01-31T12:00:00Z')
  .transform(text => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))
  .refine(ms => Number.isSafeInteger(ms), 'a time, such as 2026-01-31T12:00:00Z')

const range = z.strictObject({
  from: moment.optional().describe('Milliseconds since 1970 or ISO 8601; left out: an hour before `to`'),
  to: moment.optional().describe('As `from`; left out: now'),
  step: z.coerce
    .number()
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe('Seconds of one sample; made longer where there would be more than 1,000 of them'),
  series: z
    .string()
    .max(500)
    .refine(
      text => text.split(',').every(name => fields.includes(name)),
      `names with commas between them, of ${fields.join(', ')}`,
    )
    .optional()
    .describe('Names with commas between them; left out: all'),
})

const hourMs = 3_600_000

/** Both tell about the machine, so not to strangers. */
export const metricsOperations = (
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  sampler: Pick<MetricsSampler, 'series'>,
  history: Pick<MetricsHistory, 'series' | 'nowMs'>,
): readonly Operation[] => [
  operation({
    id: 'getMetrics',
    method: 'get',
    path: '/metrics',
    tag: 'metrics',
    summary: 'Metrics in the text format of Prometheus',
    access: 'viewer',
    answers: { 200: bytes('text/plain', 'Prometheus text format 0.0.4') },
    async stream(ctx) {
      ctx.body = await metrics.text()
      ctx.set('Content-Type', metrics.contentType)
    },
  }),

  operation({
    id: 'getMetricsSeries',
    method: 'get',
    path: '/metrics/series',
    tag: 'metrics',
    summary: 'What the metrics were, oldest first',
    description:
      'Without a query: each second of the last 15 minutes. With `from`, `to` or `step`: means of each step (of the delay of the event loop the highest), from seconds of the last 15 minutes or from minutes of the last seven days.',
    access: 'viewer',
    query: range,
    answers: {
      200: json(
        z.union([metricsSeriesView, metricsHistoryView]),
        'Samples; steps of which nothing is known are left out',
      ),
    },
    async run({ query: { from, to, step, series } }): Promise<MetricsSeriesView | MetricsHistoryView> {
      const names = series?.split(',')
      if (from === undefined && to === undefined && step === undefined) return chosen(sampler.series(), names)
      const toMs = to ?? history.nowMs
      const fromMs = from ?? toMs - hourMs
      if (fromMs >= toMs)
        throw new AppError('invalid', 'The query does not fit: from must be before to', {
          detail: { errors: [{ path: 'from', pointer: '/from', message: 'must be before to' }] },
        })
      return chosen(await history.series({ fromMs, toMs, stepMs: step && step * 1000 }), names)
    },
  }),
]

function chosen<T extends MetricsHistoryView>(
  all: T,
  names: readonly string[] | undefined,
): T | MetricsHistoryView {
  if (names === undefined) return all
  const samples = all.samples.map(sample => {
    const some = Object.entries(sample).filter(([name]) => name === 'ts' || names.includes(name))
    return Object.fromEntries(some) as MetricsHistoryView['samples'][number]
  })
  return { everyMs: all.everyMs, samples }
}
