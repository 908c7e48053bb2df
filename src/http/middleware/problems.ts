import type { Context, Middleware } from 'koa'
import type { Clock } from '../../kernel/clock.ts'
import { toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { HttpFault, type Problem, sendProblem, toProblem } from '../problem.ts'

/** Answers every fault of a route as a problem, and says in the log what each request came to. */
export function problems(log: Log, clock: Clock): Middleware<{ requestId: string }> {
  return async (ctx, next) => {
    const began = clock.now()
    const fields = { requestId: ctx.state.requestId, method: ctx.method, path: ctx.path }
    try {
      await next()
      if (ctx.body === undefined || ctx.body === null) refuseUnrouted(ctx)
    } catch (thrown) {
      const problem = toProblem(thrown, ctx.state.requestId)
      sendProblem(ctx, problem)
      report(log, fields, thrown, problem)
    }
    log.debug({ ...fields, status: ctx.status, durationMs: Math.round(clock.now() - began) }, 'request')
  }
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
