import type { Principal } from '../../account/principal.ts'
import { mayAct } from '../../account/principal.ts'
import { allows } from '../../account/scopes.ts'
import { AppError } from '../../kernel/errors.ts'
import { isRead, type Operation } from './operation.ts'

type Asked = Pick<Operation, 'tag' | 'method' | 'access' | 'guest' | 'scoped'>

/** What an API token has to allow for this operation: `boards:read`, `jobs:write`. */
export const scopeOf = ({ tag, method }: Pick<Operation, 'tag' | 'method'>): string =>
  `${tag}:${isRead(method) ? 'read' : 'write'}`

/** Whoever holds a token could make themselves more than the token is with these, or outlive it. */
const aboutCredentials = new Set([
  ...['auth', 'setup', 'users', 'sessions', 'tokens', 'invites', 'mqtt-users', 'callbacks'],
])

/** Deny by default: throws `unauthenticated` or `forbidden` for whoever may not call it. */
export function authorise(principal: Principal | undefined, operation: Asked): void {
  const { access } = operation
  if (access === 'open') return
  if (principal === undefined || (principal.kind === 'guest' && !isForGuests(operation)))
    throw new AppError('unauthenticated', 'Sign in first.')
  if (principal.kind === 'token') authoriseToken(principal, operation)
  if (!mayAct(principal, access))
    throw new AppError('forbidden', `This needs the role ${access}; ${principal.name} is ${principal.role}.`)
}

/** As whom an operation sees the caller: an open one tells those no more who may not ask for it in their own right. */
export function seenAs(principal: Principal | undefined, operation: Asked): Principal | undefined {
  if (operation.access !== 'open') return principal
  if (principal?.kind === 'guest') return isForGuests(operation) ? principal : undefined
  if (principal?.kind === 'token') return hasScope(principal, operation) ? principal : undefined
  return principal
}

const isForGuests = ({ guest, method }: Asked): boolean => guest === true && isRead(method)

const hasScope = ({ scopes = [] }: Principal, operation: Asked): boolean =>
  operation.scoped === false || allows(scopes, scopeOf(operation))

function authoriseToken(principal: Principal, operation: Asked): void {
  if (aboutCredentials.has(operation.tag) && !isRead(operation.method))
    throw new AppError('forbidden', 'An API token cannot do this. Sign in with name and password.')
  if (!hasScope(principal, operation))
    throw new AppError(
      'forbidden',
      `This needs the scope ${scopeOf(operation)}. Make a token that has it: POST /api/v1/tokens`,
    )
}
