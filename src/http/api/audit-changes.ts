import type { Context } from 'koa'
import type { Principal } from '../../account/principal.ts'
import { callerOf } from '../access/caller.ts'
import { type Change, isRead } from './operation.ts'
import type { Route } from './route-table.ts'

/** One finished change, or one that was refused at the door. */
export interface AuditEntry {
  /** Id of the operation. */
  readonly action: string
  readonly resource: string
  readonly principal: Principal | undefined
  readonly address: string
  readonly agent: string
  readonly requestId: string
  /** `ok`, or the code of the error. */
  readonly outcome: string
  readonly before: unknown
  readonly after: unknown
}

/** Whether somebody was turned away, which is worth an entry also where nothing would have changed. */
export const isRefusal = (outcome: string): boolean =>
  outcome === 'forbidden' || outcome === 'unauthenticated'

/** Tells `audit` what a call has changed, or that it was refused; nothing for one that only looks. */
export async function auditChanges(
  audit: ((entry: AuditEntry) => Promise<void>) | undefined,
  ctx: Context,
  { operation, params }: Route,
  { changes, outcome }: { readonly changes: readonly Change[]; readonly outcome: string },
): Promise<void> {
  if (audit === undefined) return
  // Whoever keeps a log of its own has written down who was not known, and a page asks at each visit who is signed in.
  if (operation.audited === false && outcome !== 'forbidden') return
  if (!isRefusal(outcome) && isRead(operation.method)) return
  if (operation.audited === 'changes' && changes.length === 0 && outcome === 'ok') return
  const path = operation.path.replace(/^\//, '').replace(/:(\w+)/g, (_, name: string) => params[name] ?? '')
  const { requestId, principal } = ctx.state as { requestId: string; principal?: Principal }
  const common = { action: operation.id, principal, ...callerOf(ctx.req), requestId, outcome }
  for (const { resource = path, before = null, after = null } of changes.length === 0 ? [{}] : changes)
    await audit({ ...common, resource, before, after })
}
