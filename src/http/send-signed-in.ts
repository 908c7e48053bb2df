import type { Context } from 'koa'
import { signInMs } from '../account/accounts.ts'
import type { SignedInView } from '../wire/auth.ts'
import { schemeOf } from './access/caller.ts'
import { setSession } from './access/session-cookie.ts'

/** Answers with the token, in the body for programs and as a cookie for the panel. */
export function sendSignedIn(ctx: Context, view: SignedInView): void {
  ctx.set('Set-Cookie', setSession(view.token, signInMs / 1000, schemeOf(ctx.req) === 'https'))
  ctx.body = view
}
