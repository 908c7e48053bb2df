import { Router } from '@koa/router'

/** Whether the process answers at all; it asks nothing else, so a full disk does not make a supervisor restart us. */
export function healthRoutes(): Router {
  const router = new Router()
  router.get('/health/live', ctx => {
    ctx.body = { status: 'live' }
  })
  return router
}
