import { Router } from '@koa/router'
import type { Metrics } from '../../ops/metrics.ts'
import type { MetricsSampler } from '../../ops/metrics-sampler.ts'
import type { MetricsSeriesView } from '../../wire/health.ts'
import { requireRole } from '../require-role.ts'

/** GET /metrics for Prometheus, GET /metrics/series for the panel; both tell about the machine, so not to strangers. */
export function metricsRoutes(
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  sampler: Pick<MetricsSampler, 'series'>,
): Router {
  const router = new Router()
  router.get('/metrics', async ctx => {
    requireRole(ctx, 'viewer')
    ctx.body = await metrics.text()
    ctx.set('Content-Type', metrics.contentType)
  })

  router.get('/metrics/series', ctx => {
    requireRole(ctx, 'viewer')
    ctx.body = sampler.series() satisfies MetricsSeriesView
  })
  return router
}
