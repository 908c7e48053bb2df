import type { Role } from '../kernel/role.ts'

/** Who asks. `local`: somebody on the control socket, whom the file system has let in; may do everything. */
export interface Principal {
  readonly kind: 'local' | 'user'
  /** UUIDv7 of the user; `local` for the control socket. */
  readonly id: string
  readonly name: string
  readonly role: Role
  /** Hexadecimal SHA-256 of the token that was shown; what `signIn.ended` names. None on the control socket. */
  readonly signInId?: string
}

export const localPrincipal: Principal = { kind: 'local', id: 'local', name: 'local', role: 'admin' }

const rank: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 }

/** Whether somebody in this role may do what the other role may. */
export const mayAct = (principal: Principal, as: Role): boolean => rank[principal.role] >= rank[as]
