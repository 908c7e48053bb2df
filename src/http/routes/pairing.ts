import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { BoardLog } from '../../upload/board-log.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { oneBoardView } from '../../wire/board.ts'
import { pairingOrder, unpairingOrder } from '../../wire/pairing.ts'
import { actorOf } from '../actor-of.ts'
import { json, type Operation, operation } from '../api/operation.ts'

export interface PairingDeps {
  readonly core: GatewayCore
  readonly log: Log
  readonly boardLog: Pick<BoardLog, 'add'>
}

/** Keys of boards (SPEC §9). The key itself never passes here. */
export const pairingOperations = ({ core, log, boardLog }: PairingDeps): readonly Operation[] => {
  const { book, registry, pairing, queue, views } = core
  return [
    operation({
      id: 'pairBoard',
      method: 'post',
      path: '/boards/:id/pairing',
      tag: 'boards',
      summary: 'Give a board a key, or another one',
      access: 'admin',
      body: pairingOrder,
      answers: { 200: json(oneBoardView, 'It is paired') },
      errors: ['board_mute', 'conflict', 'board_refused', 'config_invalid', 'link_lost', 'board_reset'],
      async run(call) {
        const board = await book.find(call.params.id)
        const session = registry.session(board.id)
        if (session === undefined)
          throw new AppError('board_mute', 'The board is not connected, or refused. See: pixelgate boards', {
            detail: { undone: true },
          })
        if (queue.isBusy(board.id))
          throw new AppError(
            'conflict',
            'An upload to this board is running. Pair it when that is done, or pause it.',
          )
        await pairing.pair(session, call.body)
        const by = actorOf(call.principal)
        log.info({ boardId: board.id, by: by.name }, 'a board was paired')
        boardLog.add({ boardId: board.id, kind: 'pairing', message: 'Paired with this gateway.', by })
        call.changed({ resource: `boards/${board.id}`, after: { paired: true } })
        return { board: await views.view(board) }
      },
    }),

    operation({
      id: 'unpairBoard',
      method: 'delete',
      path: '/boards/:id/pairing',
      tag: 'boards',
      summary: 'Take the key from a board and forget it',
      access: 'admin',
      query: unpairingOrder,
      answers: { 200: json(oneBoardView, 'It is not paired any more') },
      errors: ['conflict', 'board_refused', 'board_mute', 'link_lost', 'board_reset'],
      async run(call) {
        const board = await book.find(call.params.id)
        if (queue.isBusy(board.id))
          throw new AppError(
            'conflict',
            'An upload to this board is running. Unpair it when that is done, or pause it.',
          )
        const forget = call.query.forget === 'true'
        await pairing.unpair(board.id, registry.session(board.id), { forget })
        const by = actorOf(call.principal)
        log.info({ boardId: board.id, by: by.name }, 'a board was unpaired')
        boardLog.add({ boardId: board.id, kind: 'pairing', message: 'Not paired any more.', by })
        call.changed({ resource: `boards/${board.id}`, before: { paired: true }, after: { paired: false } })
        return { board: await views.view(board) }
      },
    }),
  ]
}
