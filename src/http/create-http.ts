import type { RequestListener } from 'node:http'
import Koa, { type Middleware } from 'koa'
import { localPrincipal } from '../account/principal.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { LanAccess } from './access/lan-access.ts'
import { quickAnswers } from './api/quick-answers.ts'
import { type ApiParts, runOperations } from './api/run-operation.ts'
import { docsFiles } from './docs/docs-files.ts'
import { fixedHeaders, headers } from './middleware/headers.ts'
import { identification, nothingForStrangers, originCheck } from './middleware/lan.ts'
import { problems, type RequestOutcome } from './middleware/problems.ts'
import { requestId } from './middleware/request-id.ts'
import { type SuspiciousRequest, suspicions } from './middleware/suspicions.ts'
import { readPanel, staticFiles } from './static-files.ts'

export interface HttpOptions {
  readonly log: Log
  readonly clock: Clock
  /** The API itself. */
  readonly api?: Omit<ApiParts, 'clock'>
  /** Who comes in over the network has to pass it. None: the control socket, where the file system has let people in. */
  readonly lan?: Pick<LanAccess, 'checkOrigin' | 'identify'>
  /** Folder of the built panel; null: it is not built, and a page says so. Not served when left out. */
  readonly panelDir?: string | null
  readonly onRequest?: (outcome: RequestOutcome) => void
  /** Hears of refused requests that look like an attack. */
  readonly onSuspicion?: (request: SuspiciousRequest) => void
}

/** Where monitors look for them: the same answers as below /api/v1. */
const atRoot = ['/health', '/health/live', '/metrics']

/** One face of the API, for the control socket or for the network, as a listener for `createServer` of node:http. */
export function createHttp(options: HttpOptions): RequestListener {
  const { log, clock, lan, panelDir, api, onRequest, onSuspicion } = options
  const app = new Koa()
  // What reaches Koa itself broke while the answer was on its way: the status line is gone already.
  app.on('error', (error: Error & { headers?: object }) => {
    log.debug({ reason: error.message }, 'an answer broke off')
    // Koa takes all other headers away from the answer that it makes up itself.
    error.headers = fixedHeaders
  })
  app.use(requestId(clock)).use(headers).use(problems({ log, clock, onRequest }))
  if (onSuspicion !== undefined) app.use(suspicions(onSuspicion))
  if (lan !== undefined) app.use(originCheck(lan, api?.table))
  if (panelDir !== undefined) app.use(staticFiles(readPanel(panelDir)))
  app.use(docsFiles)
  app.use(belowApi).use(lan === undefined ? local : identification(lan))
  if (api !== undefined) app.use(runOperations({ ...api, clock }))
  if (lan !== undefined) app.use(nothingForStrangers)
  const handle = app.callback()
  if (api === undefined || lan === undefined) return (request, response) => void handle(request, response)
  const quick = quickAnswers({ api, lan, clock, log, onRequest })
  return async (request, response) => {
    const answering = quick(request, response)
    if (answering === false || !(await answering)) await handle(request, response)
  }
}

const belowApi: Middleware = (ctx, next) => {
  if (atRoot.includes(ctx.path)) ctx.path = `/api/v1${ctx.path}`
  return next()
}

const local: Middleware = (ctx, next) => {
  ctx.state['principal'] = localPrincipal
  return next()
}
