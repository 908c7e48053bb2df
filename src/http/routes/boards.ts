import { Router } from '@koa/router'
import type { BoardLayout } from '../../board/board-book.ts'
import { boardId, patternId } from '../../kernel/ids.ts'
import { parseLayout } from '../../pattern/layout/parse-layout.ts'
import { unwrap } from '../../upload/unwrap.ts'
import { boardChange, boardCommand } from '../../wire/board.ts'
import type { ApiDeps } from '../api-deps.ts'
import { readJson } from '../read-body.ts'

/** A list of 65,535 cells. */
const maxLayoutBytes = 1024 * 1024

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
    const change = await readJson(ctx, boardChange, maxLayoutBytes)
    const { id } = await book.find(ctx.params['id'] ?? '')
    const layout = change.layout && checkedLayout(change.layout)
    ctx.body = { board: await views.view(await book.change(boardId(id), { ...change, layout })) }
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

/** Throws `usage` with what is wrong with it. */
function checkedLayout(form: object): BoardLayout {
  const { width, height, leds } = unwrap(parseLayout(form))
  return { json: JSON.stringify(form), width, height, leds }
}

/** Byte strings as hexadecimal digits. */
const readable = (fields: object): object =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ]),
  )
