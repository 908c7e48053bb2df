import { Router } from '@koa/router'
import type { Accounts } from '../../account/accounts.ts'
import { newUser } from '../../wire/auth.ts'
import { readJson } from '../read-body.ts'
import { requireRole } from '../require-role.ts'

export function userRoutes({ accounts }: { readonly accounts: Accounts }): Router {
  const router = new Router()
  router.get('/users', async ctx => {
    requireRole(ctx, 'admin')
    ctx.body = { users: await accounts.users() }
  })

  router.post('/users', async ctx => {
    requireRole(ctx, 'admin')
    const user = await accounts.addUser(await readJson(ctx, newUser))
    ctx.status = 201
    ctx.body = { user }
  })

  router.delete('/users/:name', async ctx => {
    requireRole(ctx, 'admin')
    await accounts.removeUser(ctx.params['name'] ?? '')
    ctx.status = 204
  })
  return router
}
