import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Role } from '../kernel/role.ts'
import type { Store } from '../store/store.ts'
import type { InviteRecord } from '../store/tables/invites.ts'
import type { InviteView } from '../wire/invite.ts'
import type { Accounts, Caller } from './accounts.ts'
import type { Principal } from './principal.ts'
import { makeToken, tokenHash } from './tokens.ts'

const hourMs = 3_600_000
const openInvites = 200

export interface NewInvite {
  readonly role: Role
  readonly expiresInHours: number
  readonly note?: string | undefined
}

export interface InvitesParts {
  readonly store: Pick<Store, 'invites'>
  readonly accounts: Pick<Accounts, 'join' | 'throttle'>
  readonly clock: Clock
}

/** Links that let one person each make an account. */
export class Invites {
  readonly #parts: InvitesParts

  constructor(parts: InvitesParts) {
    this.#parts = parts
  }

  /** The answer holds the code, this once. Rejects with `conflict` when too many are open. */
  async make(
    by: Principal,
    { role, expiresInHours, note }: NewInvite,
  ): Promise<{ readonly invite: InviteView; readonly code: string }> {
    const code = makeToken()
    const createdMs = this.#parts.clock.wallTime()
    const record: InviteRecord = {
      ...{
        id: uuidV7(createdMs),
        role,
        note: note ?? null,
        invitedBy: by.name,
        createdMs,
        usedMs: null,
        usedBy: null,
      },
      invitedById: by.kind === 'local' ? null : by.id,
      expiresMs: createdMs + expiresInHours * hourMs,
    }
    const codeSha = tokenHash(code) ?? ''
    if (!(await this.#parts.store.invites.insert({ ...record, codeSha, atMost: openInvites })))
      throw new AppError('conflict', `${openInvites} invitations are open already. Take one back first.`)
    return { invite: this.#view(record), code }
  }

  /** Newest first. */
  async list(): Promise<readonly InviteView[]> {
    return (await this.#parts.store.invites.list()).map(record => this.#view(record))
  }

  /** Rejects with `not_found`. */
  async remove(id: string): Promise<InviteView> {
    const removed = await this.#parts.store.invites.remove(id)
    if (removed === undefined)
      throw new AppError('not_found', 'There is no such invitation. GET /api/v1/invites lists them.')
    return this.#view(removed)
  }

  /** One that can be accepted. Rejects with `not_found` (wrong, used, over, or its maker is no admin any more) or `rate_limited`. */
  async look(code: string, caller: Caller): Promise<InviteView> {
    const { store, accounts, clock } = this.#parts
    const { address } = caller
    const codeSha = tokenHash(code)
    const found = await accounts.throttle.attempt(
      async () => ({ address, who: 'invite', known: true }),
      async () => codeSha && store.invites.find({ codeSha, nowMs: clock.wallTime() }),
    )
    if (!found) throw unknown()
    return this.#view(found)
  }

  /** Makes the account and signs it in, once a code. Rejects as `look` does, and with `conflict` (name) or `usage` (password). */
  async accept(
    { code, name, password }: { readonly code: string; readonly name: string; readonly password: string },
    caller: Caller,
  ) {
    const { role } = await this.look(code, caller)
    const codeSha = tokenHash(code) ?? ''
    return this.#parts.accounts.join({ name, password }, caller, async user => {
      const nowMs = this.#parts.clock.wallTime()
      const made = await this.#parts.store.invites.accept({ codeSha, nowMs, user })
      if (made === 'gone') throw unknown()
      if (made === 'taken') throw new AppError('conflict', `The name ${name} is taken. Choose another one.`)
      return { ...user, role }
    })
  }

  #view(record: InviteRecord): InviteView {
    const isOver = record.expiresMs <= this.#parts.clock.wallTime()
    return {
      ...{ id: record.id, role: record.role, note: record.note, invitedBy: record.invitedBy },
      createdAt: new Date(record.createdMs).toISOString(),
      expiresAt: new Date(record.expiresMs).toISOString(),
      state: record.usedMs !== null ? 'used' : isOver ? 'expired' : 'open',
      usedBy: record.usedBy,
      usedAt: record.usedMs === null ? null : new Date(record.usedMs).toISOString(),
    }
  }
}

const unknown = (): AppError =>
  new AppError('not_found', 'This invitation is not open (any more). Ask an admin for a new one.')
