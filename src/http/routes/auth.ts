import { Router } from '@koa/router'
import type { Accounts } from '../../account/accounts.ts'
import { signInBody } from '../../wire/auth.ts'
import { callerOf, schemeOf } from '../access/caller.ts'
import { tokenOf } from '../access/lan-access.ts'
import { endSession } from '../access/session-cookie.ts'
import { readJson } from '../read-body.ts'
import { principalOf } from '../require-role.ts'
import { sendSignedIn } from '../send-signed-in.ts'

export function authRoutes({ accounts }: { readonly accounts: Accounts }): Router {
  const router = new Router()
  router.post('/auth/sign-in', async ctx => {
    sendSignedIn(ctx, await accounts.signIn(await readJson(ctx, signInBody), callerOf(ctx.req)))
  })

  router.post('/auth/sign-out', async ctx => {
    const token = tokenOf(ctx.req)
    if (token !== undefined) await accounts.signOut(token)
    ctx.set('Set-Cookie', endSession(schemeOf(ctx.req) === 'https'))
    ctx.status = 204
  })

  router.get('/auth/me', async ctx => {
    const { id, name, role } = principalOf(ctx)
    // Who comes over the control socket has no account.
    const user = await accounts.user(id)
    ctx.body = { user: user ?? { id, name, role, createdAt: null } }
  })
  return router
}
