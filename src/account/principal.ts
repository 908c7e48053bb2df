import type { Role } from '../kernel/role.ts'

/**
 * Who asks. `local`: somebody on the control socket, whom the file system has let in; may do everything. `token`: a program
 * of a person, within its scopes. `guest`: anybody of the network, where the configuration lets them look. `callback`: a
 * signed call.
 */
export interface Principal {
  readonly kind: 'local' | 'user' | 'token' | 'guest' | 'callback'
  /** UUIDv7 of the user (of a token: of its owner) or of the callback; `local`, `guest`. */
  readonly id: string
  readonly name: string
  readonly role: Role
  /** Id of the session, the same when its tokens are renewed; what `signIn.ended` names. None on the control socket. */
  readonly signInId?: string
  /** Of a token: what it may be used for, such as `boards:read`; and its id, for the audit log. */
  readonly scopes?: readonly string[]
  readonly tokenId?: string
  /** Of a token: when it runs out, monotonic; what it has opened ends then. */
  readonly endsMs?: number
}

export const localPrincipal: Principal = { kind: 'local', id: 'local', name: 'local', role: 'admin' }
export const guestPrincipal: Principal = { kind: 'guest', id: 'guest', name: 'guest', role: 'viewer' }

const rank: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 }

/** The role that may do less. */
export const lesserRole = (one: Role, other: Role): Role => (rank[one] < rank[other] ? one : other)

/** Whether somebody in this role may do what the other role may. */
export const mayAct = (principal: Principal, as: Role): boolean => rank[principal.role] >= rank[as]
