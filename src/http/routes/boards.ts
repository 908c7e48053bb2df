import { z } from 'zod'
import { boardId } from '../../kernel/ids.ts'
import type { BoardLog } from '../../upload/board-log.ts'
import { forgetBoard } from '../../upload/forget-board.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { boardChange, boardState, boardsView, oneBoardView } from '../../wire/board.ts'
import { actorOf } from '../actor-of.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'
import { demandMatch } from '../api/preconditions.ts'
import { boardCommandOperations } from './board-commands.ts'
import { boardLogOperations } from './board-log.ts'
import { boardProfileOperations, checkedLayout, maxLayoutBytes, settingsOf } from './board-profile.ts'

export interface BoardDeps {
  readonly core: GatewayCore
  readonly boardLog: Pick<BoardLog, 'page'>
}

const boardQuery = paging.extend({
  state: boardState.optional(),
  q: z.string().max(100).optional().describe('Part of its name, id, address or firmware, in any case'),
})

/** Every change of a board raises an event that takes these out. */
const cache = { tags: ['boards'], per: 'everybody' } as const

export const boardOperations = ({ core, boardLog }: BoardDeps): readonly Operation[] => {
  const { book, views } = core
  return [
    operation({
      id: 'listBoards',
      method: 'get',
      path: '/boards',
      tag: 'boards',
      summary: 'The boards that the gateway has met, by name',
      access: 'viewer',
      guest: true,
      query: boardQuery,
      answers: { 200: json(boardsView, 'A page of the boards') },
      cache,
      async run({ query: { state, q = '', ...page } }) {
        const wanted = q.toLowerCase()
        const found = (await book.titles()).filter(
          ({ id, name, linkAddress, firmware }) =>
            (state === undefined || views.presence(id) === state) &&
            [id, name, linkAddress, firmware].some(text => text.toLowerCase().includes(wanted)),
        )
        const { items, total, nextCursor } = pageOf(found, page, ({ id }) => id)
        return { boards: await views.some(items.map(({ id }) => id)), total, nextCursor }
      },
    }),

    operation({
      id: 'getBoard',
      method: 'get',
      path: '/boards/:id',
      tag: 'boards',
      summary: 'One board and what it does',
      access: 'viewer',
      guest: true,
      params: { id: 'Id, name, or the start of an id that fits one board only' },
      answers: { 200: json(oneBoardView, 'The board') },
      errors: ['conflict'],
      cache,
      run: async ({ params }) => ({ board: await views.find(params.id) }),
    }),

    operation({
      id: 'changeBoard',
      method: 'patch',
      path: '/boards/:id',
      tag: 'boards',
      summary: 'Rename a board or change what is known of it',
      description:
        'What is left out stays. A layout goes without width, height and wiring, and another of those takes it away. With If-Match (of GET /boards/:id) it is changed only as it was read.',
      access: 'operator',
      body: boardChange,
      maxBodyBytes: maxLayoutBytes,
      answers: { 200: json(oneBoardView, 'The board as it is now') },
      errors: ['usage', 'conflict', 'precondition_failed'],
      async run(call) {
        const { id } = await book.find(call.params.id)
        const { layout: form, ...rest } = call.body
        const change = { ...rest, layout: form && checkedLayout(form) }
        let before: object = {}
        const board = await book.change(boardId(id), change, {
          by: actorOf(call.principal),
          demand: async known => {
            before = settingsOf(known)
            if (call.ifMatch !== undefined) demandMatch(call.ifMatch, { board: await views.view(known) })
          },
        })
        call.changed({ resource: `boards/${id}`, before, after: settingsOf(board) })
        return { board: await views.view(board) }
      },
    }),

    operation({
      id: 'forgetBoard',
      method: 'delete',
      path: '/boards/:id',
      tag: 'boards',
      summary: 'Forget a board that is away',
      description:
        'Its finished jobs and its log go with it. If it comes back it is a new board. Not while it is connected, paired, or has unfinished jobs.',
      access: 'operator',
      answers: { 204: empty('It is forgotten') },
      errors: ['conflict'],
      async run(call) {
        const board = await book.find(call.params.id)
        await forgetBoard(core, boardId(board.id))
        call.changed({ resource: `boards/${board.id}`, before: settingsOf(board) })
      },
    }),

    ...boardProfileOperations(core),
    ...boardCommandOperations(core),
    ...boardLogOperations({ core, boardLog }),
  ]
}
