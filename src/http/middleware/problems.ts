import type { Middleware } from 'koa'
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
      if (ctx.status === 404 && (ctx.body === undefined || ctx.body === null))
        throw new HttpFault(404, `There is nothing at ${ctx.path}.`)
    } catch (thrown) {
      const problem = toProblem(thrown, ctx.state.requestId)
      sendProblem(ctx, problem)
      report(log, fields, thrown, problem)
    }
    const { status } = ctx
    const durationMs = clock.now() - began
    const route = ctx.state.route ?? 'unmatched'
    const user = ctx.state.principal?.name ?? null
    const changes = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
    log[changes || refusals.includes(status) ? 'info' : 'debug'](
      { ...fields, route, status, durationMs: Math.round(durationMs), user },
      'request',
    )
    onRequest?.({ route, method, status, durationMs })
  }
}

function report(log: Log, fields: object, thrown: unknown, problem: Problem): void {
  const { code, status } = problem
  if (status < 500) return
  const error = toError(thrown)
  if (code === 'internal') log.error({ ...fields, code, err: error }, 'a request met a fault of the program')
  else log.warn({ ...fields, code, reason: error.message }, 'a request failed')
}
