import type { Middleware } from 'koa'
import type { Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Role } from '../../kernel/role.ts'
import { schemeOf } from '../access/caller.ts'
import type { LanAccess } from '../access/lan-access.ts'
import { requireRole } from '../require-role.ts'
import { contentSecurityPolicy } from './headers.ts'

/** Comes before everything else that a request from the network meets. */
export function originCheck(access: LanAccess): Middleware {
  return (ctx, next) => {
    const authority = access.checkOrigin(ctx.req)
    ctx.set('Content-Security-Policy', contentSecurityPolicy({ scheme: schemeOf(ctx.req), authority }))
    return next()
  }
}

/** What somebody may ask for who has not signed in; the route says less then. */
const open: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/api/v1/setup'],
  ['POST', '/api/v1/setup'],
  ['POST', '/api/v1/auth/sign-in'],
  ['GET', '/api/v1/health'],
  ['GET', '/api/v1/health/live'],
]

/** Below these an admin is needed for every method; opening a port may reset a stranger's device, so it is one too. */
const ofAdmins = ['users', 'mqtt-users', 'backups']
const changedByAdmins = ['ports']

/** The role that a request needs; a route may ask for more. */
export function neededRole(method: string, path: string): Role {
  // The router does not tell capitals from small letters.
  const [, , , area = '', rest = '', part = ''] = path.toLowerCase().split('/')
  const reads = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
  if (ofAdmins.includes(area) || (changedByAdmins.includes(area) && !reads)) return 'admin'
  if (area === 'boards' && part === 'pairing') return 'admin'
  return reads || (area === 'auth' && rest === 'sign-out') ? 'viewer' : 'operator'
}

/** Deny by default: without a principal only `open`, with one what the role allows. */
export function authorisation(access: LanAccess): Middleware<{ principal?: Principal }> {
  return async (ctx, next) => {
    const method = ctx.method === 'HEAD' ? 'GET' : ctx.method
    const isOpen = open.some(each => each[0] === method && each[1] === ctx.path)
    const principal = await access.identify(ctx.req).catch(thrown => {
      // Signing in again is what an old token needs.
      if (isOpen && thrown instanceof AppError && thrown.code === 'unauthenticated') return undefined
      throw thrown
    })
    if (principal !== undefined) ctx.state.principal = principal
    if (!isOpen) requireRole(ctx, neededRole(ctx.method, ctx.path))
    return next()
  }
}
