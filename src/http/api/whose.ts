import type { Principal } from '../../account/principal.ts'
import type { CachePolicy } from './operation.ts'

/** Scopes belong to API tokens alone. */
type Asker = Principal & { readonly scopes?: readonly string[] }

/** Who shares an answer that is kept: nobody ever gets one that was made for others. */
export function whose(per: CachePolicy['per'], principal: Asker | undefined): string {
  if (per === 'anyone') return 'anyone'
  if (principal === undefined) return 'nobody'
  const { kind, role, scopes } = principal
  const allowed = scopes === undefined ? role : `${role} ${JSON.stringify([...scopes].sort())}`
  if (per === 'everybody') return `${kind} ${allowed}`
  // A list of sign-ins marks the one that asks.
  return `${kind} ${allowed} ${JSON.stringify([principal.id, principal.signInId ?? ''])}`
}
