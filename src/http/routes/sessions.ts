import { z } from 'zod'
import type { Accounts } from '../../account/accounts.ts'
import { mayAct, type Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import { sessionView } from '../../wire/auth.ts'
import { pageShape } from '../../wire/page.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { cursorOf, paging } from '../api/paging.ts'

const query = paging.extend({
  user: z.string().min(1).max(64).optional().describe('Name of a user; of another one for admins alone'),
  all: z.stringbool().default(false).describe('Of everybody, for admins'),
})

/** Who is signed in where. Everybody sees and ends their own sessions; an admin those of all. */
export const sessionOperations = ({
  sessions,
  people,
}: Pick<Accounts, 'sessions' | 'people'>): readonly Operation[] => {
  /** null: of everybody. */
  const whoseOf = async (principal: Principal, user: string | undefined, all: boolean) => {
    const isAdmin = mayAct(principal, 'admin')
    if (!isAdmin && (all || (user !== undefined && user.toLowerCase() !== principal.name.toLowerCase())))
      throw new AppError('forbidden', 'Sessions of others are a matter of admins.')
    if (user !== undefined) return (await people.named(user)).id
    return all || principal.kind === 'local' ? null : principal.id
  }
  return [
    operation({
      id: 'listSessions',
      method: 'get',
      path: '/sessions',
      tag: 'sessions',
      summary: 'Sessions that hold, newest first',
      description: 'Your own, unless an admin asks for others. The console, which has none, sees all.',
      access: 'viewer',
      query,
      answers: { 200: json(z.object({ sessions: z.array(sessionView), ...pageShape }), 'A page of them') },
      errors: ['forbidden', 'not_found'],
      async run({ principal, query: { limit, skip, user, all, ...page } }) {
        const before = page.cursor ?? page.before ?? null
        const whose = await whoseOf(principal, user, all)
        const found = await sessions.list(whose, { limit, skip, before, current: principal.signInId })
        return { ...found, nextCursor: cursorOf(found.sessions, limit, ({ id }) => id) }
      },
    }),

    operation({
      id: 'endSession',
      method: 'delete',
      path: '/sessions/:id',
      params: { id: 'Id of the session' },
      tag: 'sessions',
      summary: 'End a session',
      description: 'Its tokens are refused and its WebSockets closed at once.',
      access: 'viewer',
      answers: { 204: empty('It has ended') },
      errors: ['not_found'],
      async run({ principal, params: { id } }) {
        const whose = mayAct(principal, 'admin') ? null : principal.id
        if (!(await sessions.end(id, whose))) throw new AppError('not_found', 'There is no such session.')
      },
    }),

    operation({
      id: 'endOtherSessions',
      method: 'delete',
      path: '/sessions',
      tag: 'sessions',
      summary: 'End all your sessions but this one',
      access: 'viewer',
      answers: { 204: empty('They have ended') },
      async run(call) {
        const { id, signInId } = call.principal
        const ended = await sessions.endOthers(id, signInId ?? null)
        call.changed({ before: { sessions: ended + 1 }, after: { sessions: 1 } })
      },
    }),
  ]
}
