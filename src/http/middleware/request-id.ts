import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import type { Clock } from '../../kernel/clock.ts'
import { uuidV7 } from '../../kernel/ids.ts'

/** What a caller may choose: it comes back in a header and stands in the log. */
const acceptable = /^[A-Za-z0-9._-]{1,64}$/

/** Gives each request an id, or keeps the caller's; it is in `ctx.state.requestId` and in `X-Request-Id`. */
export function requestId(clock: Clock): Middleware<{ requestId: string }> {
  return (ctx, next) => {
    ctx.state.requestId = idOfRequest(ctx.req, clock)
    ctx.set('X-Request-Id', ctx.state.requestId)
    return next()
  }
}

/** The caller's when it is harmless, or a new one. */
export function idOfRequest({ headers }: Pick<IncomingMessage, 'headers'>, clock: Clock): string {
  const asked = headers['x-request-id']
  return typeof asked === 'string' && acceptable.test(asked) ? asked : uuidV7(clock.wallTime())
}
