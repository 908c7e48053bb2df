import type { RequestListener } from 'node:http'
import { Router } from '@koa/router'
import Koa, { type Middleware } from 'koa'
import { localPrincipal } from '../account/principal.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { LanAccess } from './access/lan-access.ts'
import { headers } from './middleware/headers.ts'
import { authorisation, originCheck } from './middleware/lan.ts'
import { problems, type RequestOutcome } from './middleware/problems.ts'
import { requestId } from './middleware/request-id.ts'
import { readPanel, staticFiles } from './static-files.ts'

export interface HttpOptions {
  readonly log: Log
  readonly clock: Clock
  /** Routes below /api/v1; each router names its paths in full from there. */
  readonly routes?: readonly Router[]
  /** Who comes in over the network has to pass it. None: the control socket, where the file system has let people in. */
  readonly lan?: LanAccess
  /** Folder of the built panel; null: it is not built, and a page says so. Not served when left out. */
  readonly panelDir?: string | null
  readonly onRequest?: (outcome: RequestOutcome) => void
}

/** Where monitors look for them: the same answers as below /api/v1. */
const atRoot = ['/health', '/health/live', '/metrics']

/** One face of the API, for the control socket or for the network, as a listener for `createServer` of node:http. */
export function createHttp(options: HttpOptions): RequestListener {
  const { log, clock, lan, panelDir, routes = [], onRequest } = options
  const api = new Router({ prefix: '/api/v1' })
  for (const router of routes) api.use(router.routes())
  const app = new Koa()
  // What reaches Koa itself broke while the answer was on its way: the status line is gone already.
  app.on('error', (error: Error) => log.debug({ reason: error.message }, 'an answer broke off'))
  app.use(requestId(clock)).use(headers).use(problems({ log, clock, onRequest }))
  if (lan !== undefined) app.use(originCheck(lan))
  if (panelDir !== undefined) app.use(staticFiles(readPanel(panelDir)))
  app.use(belowApi).use(lan === undefined ? local : authorisation(lan))
  app.use(api.routes()).use(api.allowedMethods())
  const handle = app.callback()
  return (request, response) => void handle(request, response)
}

const belowApi: Middleware = (ctx, next) => {
  if (atRoot.includes(ctx.path)) ctx.path = `/api/v1${ctx.path}`
  return next()
}

const local: Middleware = (ctx, next) => {
  ctx.state['principal'] = localPrincipal
  return next()
}
