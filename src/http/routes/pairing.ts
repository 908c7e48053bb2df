import { Router } from '@koa/router'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { pairingOrder, unpairingOrder } from '../../wire/board.ts'
import { readJson } from '../read-body.ts'
import { readQuery } from '../read-query.ts'
import { requireRole } from '../require-role.ts'

/** Keys of boards (SPEC §9). The key itself never passes here. */
export function pairingRoutes({ core, log }: { readonly core: GatewayCore; readonly log: Log }): Router {
  const router = new Router()
  const { book, registry, pairing, queue, views } = core

  router.post('/boards/:id/pairing', async ctx => {
    const { name } = requireRole(ctx, 'admin')
    const order = await readJson(ctx, pairingOrder)
    const board = await book.find(ctx.params['id'] ?? '')
    const session = registry.session(board.id)
    if (session === undefined)
      throw new AppError('board_mute', 'The board is not connected, or refused. See: pixelgate boards')
    if (queue.isBusy(board.id))
      throw new AppError(
        'conflict',
        'An upload to this board is running. Pair it when that is done, or pause it.',
      )
    await pairing.pair(session, order)
    log.info({ boardId: board.id, by: name }, 'a board was paired')
    ctx.body = { board: await views.view(board) }
  })

  router.delete('/boards/:id/pairing', async ctx => {
    const { name } = requireRole(ctx, 'admin')
    const order = readQuery(ctx, unpairingOrder)
    const board = await book.find(ctx.params['id'] ?? '')
    if (queue.isBusy(board.id))
      throw new AppError(
        'conflict',
        'An upload to this board is running. Unpair it when that is done, or pause it.',
      )
    await pairing.unpair(board.id, registry.session(board.id), { forget: order.forget === 'true' })
    log.info({ boardId: board.id, by: name }, 'a board was unpaired')
    ctx.body = { board: await views.view(board) }
  })
  return router
}
