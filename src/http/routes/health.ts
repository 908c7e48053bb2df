import { Router } from '@koa/router'
import type { Health } from '../../ops/health.ts'
import type { HealthView } from '../../wire/health.ts'

/**
 * GET /health/live: whether the process answers at all; it asks nothing else, so a full disk does not make a supervisor
 * restart us. GET /health: what the checks found, 503 when the gateway is failing; strangers only hear their names.
 */
export function healthRoutes(health: Pick<Health, 'check'>): Router {
  const router = new Router()
  router.get('/health/live', ctx => {
    ctx.body = { status: 'live' }
  })

  router.get('/health', async ctx => {
    const report: HealthView = await health.check()
    const { status, score, checks } = report
    ctx.status = status === 'failing' ? 503 : 200
    const names = checks.map(check => ({ name: check.name, status: check.status }))
    ctx.body = ctx.state['principal'] === undefined ? { status, score, checks: names } : report
  })
  return router
}
