import type { RequestListener } from 'node:http'
import { Router } from '@koa/router'
import Koa from 'koa'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { headers } from './middleware/headers.ts'
import { problems } from './middleware/problems.ts'
import { requestId } from './middleware/request-id.ts'
import { healthRoutes } from './routes/health.ts'

export interface HttpOptions {
  readonly log: Log
  readonly clock: Clock
  /** Routes below /api/v1; each router names its paths in full from there. */
  readonly routes?: readonly Router[]
}

/** The API as a listener for `createServer` of node:http. */
export function createHttp({ log, clock, routes = [] }: HttpOptions): RequestListener {
  const api = new Router({ prefix: '/api/v1' })
  for (const router of [healthRoutes(), ...routes]) api.use(router.routes())
  const app = new Koa()
  // What reaches Koa itself broke while the answer was on its way: the status line is gone already.
  app.on('error', (error: Error) => log.debug({ reason: error.message }, 'an answer broke off'))
  app.use(requestId(clock)).use(headers).use(problems(log, clock)).use(api.routes()).use(api.allowedMethods())
  const handle = app.callback()
  return (request, response) => void handle(request, response)
}
