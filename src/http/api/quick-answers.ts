import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../account/principal.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { LanAccess } from '../access/lan-access.ts'
import { lanHeaders } from '../middleware/headers.ts'
import type { RequestOutcome } from '../middleware/problems.ts'
import { idOfRequest } from '../middleware/request-id.ts'
import { authorise, seenAs } from './authorise.ts'
import { HttpDate, isForQuickWrite, quickWrite } from './quick-write.ts'
import type { StoredAnswer } from './response-cache.ts'
import { apiPrefix, type Route } from './route-table.ts'
import type { ApiParts } from './run-operation.ts'
import { cacheKey } from './run-operation.ts'

export interface QuickOptions {
  readonly api: Pick<ApiParts, 'table' | 'cache'>
  readonly lan: Pick<LanAccess, 'checkOrigin' | 'identify'>
  readonly clock: Clock
  readonly log: Log
  readonly onRequest?: ((outcome: RequestOutcome) => void) | undefined
}

/** Of addresses whose route is remembered. */
const maxKnown = 1_000
const beginning = `${apiPrefix}/`

/**
 * Answers a GET over the network whose answer is in memory, without the middleware that everything else passes: Koa makes three
 * objects and a dozen headers for each request, which costs more than such an answer. The same functions decide as there, and
 * whatever they refuse, or do not know, is left to it: resolves with false then, and nothing has been sent.
 */
export function quickAnswers({ api, lan, clock, log, onRequest }: QuickOptions) {
  const { table, cache } = api
  const known = new Map<string, Route | null>()
  const date = new HttpDate(clock)

  function routeOf(url: string): Route | null {
    const remembered = known.get(url)
    if (remembered !== undefined) return remembered
    const path = url.split('?', 1)[0] ?? ''
    const found = table.find('GET', path)
    const route = found?.operation.cache === undefined ? null : found
    if (known.size >= maxKnown) known.clear()
    known.set(url, route)
    return route
  }

  const answer = async (request: IncomingMessage, response: ServerResponse, url: string, route: Route) => {
    const beganMs = clock.now()
    const { method = '' } = request
    const { operation } = route
    let found: StoredAnswer | undefined
    let principal: Principal | undefined
    let common: readonly string[]
    try {
      common = lanHeaders(request, lan.checkOrigin(request).authority)
      const asking = await lan.identify(request)
      authorise(asking, operation)
      principal = seenAs(asking, operation)
      const [path = '', querystring = ''] = url.split('?', 2)
      const key = cacheKey({ method, url, path, querystring }, operation, principal)
      found = key === undefined ? undefined : cache.known(key, beganMs)
    } catch {
      return false
    }
    if (found === undefined || response.destroyed) return false
    const requestId = idOfRequest(request, clock)
    const status = quickWrite(request, response, found, { common, requestId, date: date.text })
    if (status === undefined) return false
    const durationMs = clock.now() - beganMs
    const user = principal?.name ?? null
    log.debug({ requestId, method, path: url, route: route.template, status, durationMs, user }, 'request')
    onRequest?.({ route: route.template, method, status, durationMs })
    return true
  }

  return (request: IncomingMessage, response: ServerResponse): Promise<boolean> | false => {
    const { method, url = '', headers } = request
    if (method !== 'GET' || headers.origin !== undefined || !url.startsWith(beginning)) return false
    if (!isForQuickWrite(request, response)) return false
    const route = routeOf(url)
    return route !== null && answer(request, response, url, route)
  }
}
