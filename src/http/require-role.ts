import type { Context } from 'koa'
import { mayAct, type Principal } from '../account/principal.ts'
import { AppError } from '../kernel/errors.ts'
import type { Role } from '../kernel/role.ts'

/** Who asks; throws `unauthenticated` where the request has come without a principal. */
export function principalOf(ctx: Pick<Context, 'state'>): Principal {
  const principal: unknown = ctx.state['principal']
  if (principal === undefined) throw new AppError('unauthenticated', 'Sign in first.')
  return principal as Principal
}

/** The principal, when it may do what `role` may; throws `unauthenticated` or `forbidden`. */
export function requireRole(ctx: Pick<Context, 'state'>, role: Role): Principal {
  const principal = principalOf(ctx)
  if (mayAct(principal, role)) return principal
  throw new AppError('forbidden', `This needs the role ${role}; ${principal.name} is ${principal.role}.`)
}
