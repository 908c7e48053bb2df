import { Router } from '@koa/router'
import { boardId, patternId } from '../../kernel/ids.ts'
import { boardChange, boardCommand } from '../../wire/board.ts'
import type { ApiDeps } from '../api-deps.ts'
import { readJson } from '../read-body.ts'

export function boardRoutes({ core }: ApiDeps): Router {
  const router = new Router()
  const { book, control, views } = core

  router.get('/boards', async ctx => {
    ctx.body = { boards: await views.list() }
  })

  router.get('/boards/:id', async ctx => {
    ctx.body = { board: await views.find(ctx.params['id'] ?? '') }
  })

  router.patch('/boards/:id', async ctx => {
    const change = await readJson(ctx, boardChange)
    const { id } = await book.find(ctx.params['id'] ?? '')
    ctx.body = { board: await views.view(await book.change(boardId(id), change)) }
  })

  router.post('/boards/:id/commands', async ctx => {
    const command = await readJson(ctx, boardCommand)
    const { id } = await book.find(ctx.params['id'] ?? '')
    const { type: _type, ...result } = await control.act(
      id,
      command.type === 'SELECT' ? { type: 'SELECT', patternId: patternId(command.patternId) } : command,
    )
    ctx.body = { command: command.type, result: readable(result) }
  })
  return router
}

/** Byte strings as hexadecimal digits. */
const readable = (fields: object): object =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ]),
  )
