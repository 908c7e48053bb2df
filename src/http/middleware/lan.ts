import type { Middleware } from 'koa'
import type { Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import { schemeOf } from '../access/caller.ts'
import type { LanAccess } from '../access/lan-access.ts'
import { allowedMethods, type RouteTable } from '../api/route-table.ts'
import { HttpFault } from '../problem.ts'
import { contentSecurityPolicy } from './headers.ts'

/** What scripts of another site may read beside the body, and send beside what they may anyway. */
const exposedHeaders =
  'Content-Digest, ETag, Idempotency-Replayed, Link, Location, Repr-Digest, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Offset, WWW-Authenticate, X-Pattern-Id, X-Request-Id, X-Total-Count'
const takenHeaders =
  'Authorization, Content-Digest, Content-Type, Idempotency-Key, If-Match, If-None-Match, Tus-Resumable, Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Request-Id'
const preflightSeconds = '600'

/** Comes before everything else that a request from the network meets. `table` knows what a preflight may ask for. */
export function originCheck(
  access: Pick<LanAccess, 'checkOrigin'>,
  table?: Pick<RouteTable, 'routesAt'>,
): Middleware<{ route?: string }> {
  return (ctx, next) => {
    const { authority, corsOrigin } = access.checkOrigin(ctx.req)
    ctx.set('Content-Security-Policy', contentSecurityPolicy({ scheme: schemeOf(ctx.req), authority }))
    if (corsOrigin === undefined) return next()
    ctx.vary('Origin')
    // Without Access-Control-Allow-Credentials: the other site shows a token, and never a cookie.
    ctx.set({ 'Access-Control-Allow-Origin': corsOrigin, 'Access-Control-Expose-Headers': exposedHeaders })
    const wanted = ctx.get('access-control-request-method')
    const methods =
      ctx.method === 'OPTIONS' && wanted !== '' ? allowedMethods(table?.routesAt(ctx.path) ?? []) : []
    if (methods.length === 0) return next()
    if (!methods.includes(wanted)) {
      ctx.set('Allow', methods.join(', '))
      throw new HttpFault(405, `${wanted} is not for ${ctx.path}; the header Allow names what is.`)
    }
    ctx.state.route = 'preflight'
    ctx.set({
      'Access-Control-Allow-Methods': methods.join(', '),
      'Access-Control-Allow-Headers': takenHeaders,
      'Access-Control-Max-Age': preflightSeconds,
    })
    ctx.status = 204
    return undefined
  }
}

/** Finds out who asks. What that allows is decided where it is known what is asked for: an old token may still sign in. */
export function identification(
  access: Pick<LanAccess, 'identify'>,
): Middleware<{ principal?: Principal; refusal?: AppError }> {
  return async (ctx, next) => {
    try {
      const principal = await access.identify(ctx.req)
      if (principal !== undefined) ctx.state.principal = principal
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'unauthenticated') throw thrown
      ctx.state.refusal = thrown
    }
    return next()
  }
}

/** What is not there is told to those alone who have signed in. */
export const nothingForStrangers: Middleware<{ principal?: Principal; refusal?: AppError }> = (ctx, next) => {
  if (ctx.state.principal !== undefined) return next()
  throw ctx.state.refusal ?? new AppError('unauthenticated', 'Sign in first.')
}
