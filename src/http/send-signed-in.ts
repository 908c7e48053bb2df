import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import { accessMs, type IssuedSession, refreshMs } from '../account/sessions.ts'
import type { SignedInView } from '../wire/auth.ts'
import { schemeOf } from './access/caller.ts'
import { setSession } from './access/session-cookie.ts'

/**
 * Answers with the tokens, in the body for programs and as cookies for the panel. A browser gets the refresh token as a
 * cookie alone, so that no script of a page ever sees what holds for 30 days.
 */
export function sendSignedIn(ctx: Context, session: IssuedSession): void {
  const { refreshToken, ...rest } = session
  const tokens = {
    token: session.token,
    maxAgeSeconds: accessMs / 1000,
    refreshToken,
    refreshMaxAgeSeconds: refreshMs / 1000,
  }
  ctx.set('Set-Cookie', [...setSession(tokens, schemeOf(ctx.req) === 'https')])
  ctx.body = (isBrowser(ctx.req) ? rest : session) satisfies SignedInView
}

/** Browsers say where a request comes from, and scripts of a page cannot leave it out (Fetch §3.1, Fetch Metadata §2). */
const isBrowser = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
