import type { Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import { type LiveClientView, type LiveTicketView, liveClientsView, liveTicketView } from '../../wire/live.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

/** The WebSockets, as far as the API speaks of them. */
export interface LiveDeps {
  ticket(principal: Principal): LiveTicketView
  /** Oldest first. */
  clients(): readonly LiveClientView[]
  /** Ends the connection; what it was, or undefined when there is no such one. */
  remove(id: string): LiveClientView | undefined
}

export const liveOperations = (live: LiveDeps): readonly Operation[] => [
  operation({
    id: 'makeLiveTicket',
    method: 'post',
    path: '/auth/ws-ticket',
    tag: 'live',
    summary: 'A ticket for one WebSocket connection',
    description:
      'For clients that can send neither a cookie nor an Authorization header: /ws?ticket=TICKET. It holds for 30 seconds, lets one connection in, and ends with the sign-in that asked for it.',
    access: 'viewer',
    answers: { 201: json(liveTicketView, 'The ticket') },
    errors: ['overloaded'],
    audited: false,
    repeatable: false,
    run: ({ principal }) => live.ticket(principal),
  }),

  operation({
    id: 'listLiveClients',
    method: 'get',
    path: '/live/clients',
    tag: 'live',
    summary: 'WebSocket connections, oldest first',
    access: 'admin',
    query: paging,
    answers: { 200: json(liveClientsView, 'A page of the connections') },
    run({ query }) {
      const { items, total, nextCursor } = pageOf(live.clients(), query, ({ id }) => id)
      return { clients: items, total, nextCursor }
    },
  }),

  operation({
    id: 'endLiveClient',
    method: 'delete',
    path: '/live/clients/:id',
    tag: 'live',
    summary: 'End a WebSocket connection',
    description: 'With the code 4403; the client may come back while it is signed in.',
    access: 'admin',
    answers: { 204: empty('It is ended') },
    errors: ['not_found'],
    run({ params, changed }) {
      const client = live.remove(params.id)
      if (client === undefined) throw new AppError('not_found', 'There is no connection with this id.')
      const { user, kind, address } = client
      changed({ before: { user, kind, address } })
    },
  }),
]
