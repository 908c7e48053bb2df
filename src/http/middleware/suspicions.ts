import type { Middleware } from 'koa'
import type { Principal } from '../../account/principal.ts'
import { callerOf } from '../access/caller.ts'
import { type Suspicion, suspicionOf } from '../suspicion.ts'

export interface SuspiciousRequest {
  readonly suspicion: Suspicion
  readonly principal: Principal | undefined
  readonly method: string
  /** Without its query. */
  readonly path: string
  readonly host: string
  readonly origin: string
  readonly address: string
  readonly agent: string
  readonly requestId: string
}

interface State {
  requestId: string
  principal?: Principal
}

const longest = 200

/** Tells of refused requests whose input looks like an attack. */
export function suspicions(tell: (request: SuspiciousRequest) => void): Middleware<State> {
  return async (ctx, next) => {
    const look = (thrown: unknown) => {
      const { principal, requestId } = ctx.state
      const target = ctx.req.url ?? ''
      const suspicion = suspicionOf(target, thrown, { isKnown: principal !== undefined })
      if (suspicion === undefined) return
      tell({
        ...{ suspicion, principal, requestId, method: ctx.method },
        path: (target.split('?', 1)[0] ?? '').slice(0, longest),
        host: (ctx.req.headers.host ?? '').slice(0, longest),
        origin: (ctx.req.headers.origin ?? '').slice(0, longest),
        ...callerOf(ctx.req),
      })
    }
    try {
      await next()
    } catch (thrown) {
      look(thrown)
      throw thrown
    }
    // What nothing answers is refused further out.
    if (ctx.status >= 400) look(undefined)
  }
}
