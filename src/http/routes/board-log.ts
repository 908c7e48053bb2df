import { z } from 'zod'
import { boardId } from '../../kernel/ids.ts'
import type { BoardLog } from '../../upload/board-log.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { boardLogKind, boardLogView } from '../../wire/board-log.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { paging } from '../api/paging.ts'

const place = z
  .string()
  .regex(/^\d{1,15}$/, 'the nextCursor of the page before')
  .optional()

const logQuery = paging.extend({
  cursor: place,
  before: place,
  since: z.iso.datetime({ offset: true }).optional().describe('Only what happened at this time or later'),
  kind: boardLogKind.optional(),
})

export const boardLogOperations = ({
  core: { book },
  boardLog,
}: {
  readonly core: Pick<GatewayCore, 'book'>
  readonly boardLog: Pick<BoardLog, 'page'>
}): readonly Operation[] => [
  operation({
    id: 'getBoardLog',
    method: 'get',
    path: '/boards/:id/log',
    tag: 'boards',
    summary: 'What happened to a board, newest first',
    description:
      'Connections, uploads, commands, changes of settings; the newest 1,000 are kept. Entries are written every ten seconds at most, so a power cut may cost those of the last ten.',
    access: 'viewer',
    query: logQuery,
    answers: { 200: json(boardLogView, 'A page of the log') },
    errors: ['conflict'],
    async run({ params, query }) {
      const { id } = await book.find(params.id)
      const { cursor, before = cursor, since, kind, skip, limit } = query
      const { entries, total } = await boardLog.page({
        boardId: boardId(id),
        ...(before !== undefined && { before: Number(before) }),
        ...(since !== undefined && { sinceMs: Date.parse(since) }),
        ...(kind !== undefined && { kinds: [kind] }),
        skip,
        limit: limit + 1,
      })
      const log = entries.slice(0, limit)
      return { log, total, nextCursor: entries.length > limit ? (log.at(-1)?.id ?? null) : null }
    },
  }),
]
