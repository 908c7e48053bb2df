import { Router } from '@koa/router'
import { AppError } from '../../kernel/errors.ts'
import { boardId } from '../../kernel/ids.ts'
import { type BoardView, boardChange, boardCommand } from '../../wire/board.ts'
import type { ApiDeps } from '../api-deps.ts'
import { readJson } from '../read-body.ts'

type KnownBoard = Awaited<ReturnType<ApiDeps['core']['book']['find']>>

export function boardRoutes({ core }: ApiDeps): Router {
  const router = new Router()
  const { book, registry } = core

  const view = (board: KnownBoard): BoardView => ({
    id: board.id,
    name: board.name,
    state: registry.quarantined(board.id)
      ? 'quarantined'
      : registry.session(board.id) === undefined
        ? 'away'
        : 'connected',
    address: board.linkAddress,
    leds: board.leds,
    width: board.width,
    height: board.height,
    wiring: board.wiring,
    colorOrder: board.colorOrder,
    powerCapMa: board.powerCapMa,
    firmware: board.firmware,
    trusted: (JSON.parse(board.capsJson) as { paired?: boolean }).paired === true,
    lastSeenAt: new Date(board.lastSeenMs).toISOString(),
  })

  router.get('/boards', async ctx => {
    ctx.body = { boards: (await book.list()).map(view) }
  })

  router.get('/boards/:id', async ctx => {
    ctx.body = { board: view(await book.find(ctx.params['id'] ?? '')) }
  })

  router.patch('/boards/:id', async ctx => {
    const change = await readJson(ctx, boardChange)
    const { id } = await book.find(ctx.params['id'] ?? '')
    ctx.body = { board: view(await book.change(boardId(id), change)) }
  })

  router.post('/boards/:id/commands', async ctx => {
    const command = await readJson(ctx, boardCommand)
    const { id, name } = await book.find(ctx.params['id'] ?? '')
    const session = registry.session(id)
    if (session === undefined)
      throw new AppError('board_mute', `${name} is not connected. Check its power and cable.`)
    const { type: _type, ...result } = await session.request(command)
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
