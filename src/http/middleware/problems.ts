import type { Context, Middleware } from 'koa'
import type { Principal } from '../../account/principal.ts'
import type { Clock } from '../../kernel/clock.ts'
import { toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { HttpFault, type Problem, sendProblem, toProblem } from '../problem.ts'

/** What one request came to, for metrics. */
export interface RequestOutcome {
  /** Template such as `/api/v1/boards/:id`; `static` for the panel's files, `unmatched` for what nothing answers. */
  readonly route: string
  readonly method: string
  readonly status: number
  /** Until the answer began; a stream may go on for hours. */
  readonly durationMs: number
}

interface State {
  requestId: string
  principal?: Principal
  /** Set by whoever answers outside the router. */
  route?: string
}

export interface ProblemsOptions {
  readonly log: Log
  readonly clock: Clock
  readonly onRequest?: ((outcome: RequestOutcome) => void) | undefined
}

const longestPath = 200
/** What the method changes, and what was refused at the door, stands in the log of every day. */
const refusals = [401, 403, 413, 421, 429]

/** Answers every fault of a route as a problem, and says in the log what each request came to. */
export function problems({ log, clock, onRequest }: ProblemsOptions): Middleware<State> {
  return async (ctx, next) => {
    const began = clock.now()
    const { method } = ctx
    const fields = { requestId: ctx.state.requestId, method, path: ctx.path.slice(0, longestPath) }
    try {
      await next()
      if (ctx.body === undefined || ctx.body === null) refuseUnrouted(ctx)
    } catch (thrown) {
      const problem = toProblem(thrown, ctx.state.requestId)
      sendProblem(ctx, problem)
      report(log, fields, thrown, problem)
    }
    const { status } = ctx
    const durationMs = clock.now() - began
    const route = ctx.state.route ?? templateOf(ctx)
    const user = ctx.state.principal?.name ?? null
    const changes = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
    log[changes || refusals.includes(status) ? 'info' : 'debug'](
      { ...fields, route, status, durationMs: Math.round(durationMs), user },
      'request',
    )
    onRequest?.({ route, method, status, durationMs })
  }
}

/** The router leaves the last template that matched here. A 404 of the router itself matched none. */
function templateOf(ctx: Context): string {
  const template: unknown = ctx['_matchedRoute']
  return typeof template === 'string' ? template : 'unmatched'
}

/** The router leaves these to us: it sets the status, and `Allow` where a path has other methods. */
function refuseUnrouted(ctx: Context): void {
  if (ctx.status === 404) throw new HttpFault(404, `There is nothing at ${ctx.path}.`)
  if (ctx.status === 405)
    throw new HttpFault(405, `${ctx.method} is not for ${ctx.path}; the header Allow names what is.`)
  if (ctx.status === 501) throw new HttpFault(501, `This server does not know the method ${ctx.method}.`)
}

function report(log: Log, fields: object, thrown: unknown, problem: Problem): void {
  const { code, status } = problem
  if (status < 500) return
  const error = toError(thrown)
  if (code === 'internal') log.error({ ...fields, code, err: error }, 'a request met a fault of the program')
  else log.warn({ ...fields, code, reason: error.message }, 'a request failed')
}
