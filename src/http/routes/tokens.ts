import { z } from 'zod'
import type { Accounts } from '../../account/accounts.ts'
import type { ApiTokens, TokenOwner } from '../../account/api-tokens.ts'
import type { Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import { apiTokensView, issuedApiToken, newApiToken } from '../../wire/token.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

export interface TokenDeps {
  readonly apiTokens: ApiTokens
  readonly accounts: Pick<Accounts, 'users'>
  /** Tags of the API, to which scopes can be given. */
  readonly tags: () => ReadonlySet<string>
}

const listQuery = paging.extend({
  user: z.string().min(1).max(64).optional().describe('Of this person; for admins'),
})

/** A program's way in. A token cannot make tokens: see authorise.ts. */
export function tokenOperations({ apiTokens, accounts, tags }: TokenDeps): readonly Operation[] {
  const named = async (name: string): Promise<TokenOwner> => {
    const user = (await accounts.users()).find(each => each.name.toLowerCase() === name.toLowerCase())
    if (user === undefined) throw new AppError('not_found', `Nobody is called "${name}".`)
    return user
  }

  const ownerOf = async (principal: Principal, user: string | undefined): Promise<TokenOwner> => {
    if (principal.kind === 'local') {
      if (user !== undefined) return named(user)
      throw new AppError('invalid', 'The console has no account. Say whose token it is to be: user')
    }
    if (user === undefined || user.toLowerCase() === principal.name.toLowerCase()) return principal
    throw new AppError('forbidden', 'A token is made by the one whose it is, or on the control socket.')
  }

  return [
    operation({
      id: 'createToken',
      method: 'post',
      path: '/tokens',
      tag: 'tokens',
      summary: 'Make an API token for a program',
      description: 'The answer holds the token, this once: only its hash is kept.',
      access: 'viewer',
      body: newApiToken,
      answers: { 201: json(issuedApiToken, 'The token') },
      errors: ['conflict', 'forbidden'],
      secret: true,
      async run(call) {
        const { user, ...asked } = call.body
        const made = await apiTokens.make(await ownerOf(call.principal, user), asked, tags())
        const { id, name, user: owner, scopes, role, expiresAt } = made.token
        call.changed({ resource: `tokens/${id}`, after: { name, owner, scopes, role, expiresAt } })
        return made
      },
    }),

    operation({
      id: 'listTokens',
      method: 'get',
      path: '/tokens',
      tag: 'tokens',
      summary: 'API tokens of the caller, newest first',
      description: 'An admin may ask for those of somebody else. The console, which has none, sees all.',
      access: 'viewer',
      query: listQuery,
      answers: { 200: json(apiTokensView, 'A page of the tokens') },
      async run({ query: { user, ...place }, principal }) {
        const isOwn = user === undefined || user.toLowerCase() === principal.name.toLowerCase()
        if (!isOwn && principal.role !== 'admin')
          throw new AppError('forbidden', 'Only admins see the tokens of others.')
        const whose = async () => {
          if (user !== undefined) return (await named(user)).id
          return principal.kind === 'local' ? null : principal.id
        }
        const { items, total, nextCursor } = pageOf(
          await apiTokens.list(await whose()),
          place,
          token => token.id,
        )
        return { tokens: items, total, nextCursor }
      },
    }),

    operation({
      id: 'deleteToken',
      method: 'delete',
      path: '/tokens/:id',
      tag: 'tokens',
      summary: 'End an API token',
      description: 'At once, also for the WebSockets that it has opened. Admins may end those of others.',
      access: 'viewer',
      answers: { 204: empty('It is no longer taken') },
      errors: ['not_found'],
      async run(call) {
        const { principal, params } = call
        const removed = await apiTokens.remove(params.id, principal.role === 'admin' ? null : principal.id)
        call.changed({ resource: `tokens/${params.id}`, before: { name: removed.name } })
      },
    }),
  ]
}
