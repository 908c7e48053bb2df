import { Router } from '@koa/router'
import type { Accounts } from '../../account/accounts.ts'
import type { Principal } from '../../account/principal.ts'
import { type SetupView, setupBody } from '../../wire/auth.ts'
import { callerOf } from '../access/caller.ts'
import { readJson } from '../read-body.ts'
import { sendSignedIn } from '../send-signed-in.ts'

/** The first person claims the gateway. The code is told on the control socket alone. */
export function setupRoutes({ accounts }: { readonly accounts: Accounts }): Router {
  const router = new Router()
  router.get('/setup', async ctx => {
    const principal = ctx.state['principal'] as Principal | undefined
    const claimCode = await accounts.claimCode()
    const view: SetupView = {
      claimed: claimCode === undefined,
      ...(principal?.kind === 'local' && claimCode !== undefined && { claimCode }),
    }
    ctx.body = view
  })

  router.post('/setup', async ctx => {
    const claim = await readJson(ctx, setupBody)
    ctx.status = 201
    sendSignedIn(ctx, await accounts.claim(claim, callerOf(ctx.req)))
  })
  return router
}
