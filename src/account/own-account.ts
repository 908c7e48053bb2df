import { AppError } from '../kernel/errors.ts'
import type { Store } from '../store/store.ts'
import type { StoredUser } from '../store/tables/users.ts'
import type { TotpView } from '../wire/auth.ts'
import type { Caller } from './account-events.ts'
import type { Passwords } from './passwords.ts'
import type { People } from './people.ts'
import type { Principal } from './principal.ts'
import type { SecondFactors } from './second-factors.ts'
import type { Tries } from './tries.ts'

export interface OwnAccountParts {
  readonly store: Pick<Store, 'users'>
  readonly tries: Tries
  readonly passwords: Passwords
  readonly factors: SecondFactors
  readonly people: People
}

/** What proves once more that it is the owner who asks. */
export interface Proof {
  readonly password?: string | undefined
  readonly code?: string | undefined
}

export const wrongCode =
  'The code is wrong or was used already. Wait for the next one, or take a backup code.'

/** What somebody who is signed in changes about their own account. */
export class OwnAccount {
  readonly #parts: OwnAccountParts

  constructor(parts: OwnAccountParts) {
    this.#parts = parts
  }

  /** Ends all other sessions. Rejects with `forbidden` (wrong password, no account), `usage`, `rate_limited`. */
  async changePassword(
    principal: Principal,
    { current, password }: { readonly current: string; readonly password: string },
    caller: Caller,
  ): Promise<void> {
    const user = await this.#prove(principal, { password: current }, caller)
    await this.#parts.people.setOwnPassword(user.name, password, principal.signInId)
  }

  /** A secret for an authenticator app. Rejects with `conflict` when there is a second factor already. */
  async beginSecondFactor(principal: Principal): Promise<TotpView> {
    return await this.#parts.factors.begin(await this.#own(principal))
  }

  /** Backup codes, once, for the first code of the app. Rejects with `forbidden`, `conflict`, `rate_limited`. */
  async confirmSecondFactor(principal: Principal, code: string, caller: Caller): Promise<readonly string[]> {
    const { tries, factors, people } = this.#parts
    const user = await this.#own(principal)
    const codes = await tries.attempt({
      caller,
      name: () => user.name,
      whose: () => tries.ofAccount(user, user.name, caller),
      check: () => factors.confirm(user.id, code),
    })
    if (codes === undefined) {
      tries.tell('wrong_second_factor', caller, user)
      throw new AppError('forbidden', 'The app shows another code. Check that its clock is right.')
    }
    people.secondFactorSet(user, true)
    return codes
  }

  /** Rejects with `conflict` without a second factor. */
  async renewBackupCodes(principal: Principal): Promise<readonly string[]> {
    return await this.#parts.factors.renewCodes((await this.#own(principal)).id)
  }

  /** Rejects with `forbidden` for a wrong proof, `conflict` without a second factor, `rate_limited`. */
  async removeSecondFactor(principal: Principal, proof: Proof, caller: Caller): Promise<void> {
    const { factors, people } = this.#parts
    const user = await this.#own(principal)
    if (!user.secondFactor) throw new AppError('conflict', 'There is no second factor.')
    await this.#prove(principal, proof, caller)
    if (await factors.remove(user.id)) people.secondFactorSet(user, false)
  }

  async #own({ kind, id }: Principal): Promise<StoredUser> {
    const user = kind === 'user' ? await this.#parts.store.users.get(id) : undefined
    if (user === undefined)
      throw new AppError('forbidden', 'This is for people who have signed in to an account of their own.')
    return user
  }

  /** The user, when the password, or else the code, is theirs. */
  async #prove(principal: Principal, { password, code }: Proof, caller: Caller): Promise<StoredUser> {
    const { tries, passwords, factors } = this.#parts
    const user = await this.#own(principal)
    const right = await tries.attempt({
      caller,
      name: () => user.name,
      whose: () => tries.ofAccount(user, user.name, caller),
      check: async () => {
        if (password !== undefined) return (await passwords.verify(password, user.passwordHash)) || undefined
        return code === undefined ? undefined : await factors.use(user.id, code)
      },
    })
    if (right !== undefined) return user
    tries.tell(password === undefined ? 'wrong_second_factor' : 'wrong_password', caller, user)
    throw new AppError('forbidden', password === undefined ? wrongCode : 'The current password is wrong.')
  }
}
