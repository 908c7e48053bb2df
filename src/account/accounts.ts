import { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Role } from '../kernel/role.ts'
import type { Store } from '../store/store.ts'
import type { StoredUser, UserRecord } from '../store/tables/users.ts'
import type { UserView } from '../wire/auth.ts'
import type { AccountEvents, Caller } from './account-events.ts'
import { isClaimCode, makeClaimCode } from './claim-code.ts'
import { OwnAccount, wrongCode } from './own-account.ts'
import type { ScryptCost } from './password-hash.ts'
import { Passwords } from './passwords.ts'
import { nameTaken, People } from './people.ts'
import type { Principal } from './principal.ts'
import type { Sealer } from './sealer.ts'
import { SecondFactors } from './second-factors.ts'
import { type IssuedSession, Sessions } from './sessions.ts'
import type { Throttle } from './throttle.ts'
import { Tries } from './tries.ts'

export type { AccountEvents, Caller } from './account-events.ts'

export interface AccountsOptions {
  readonly store: Pick<Store, 'users' | 'sessions' | 'secondFactors' | 'signInFailures'>
  readonly clock: Clock
  readonly log: Log
  /** What encrypts the secrets of second factors; left out: there are none. */
  readonly sealer?: Sealer
  readonly scryptCost?: ScryptCost
}

const wrong = 'The name or the password is wrong.'

/** Who may use the gateway. The first admin claims it with a code that only the console shows. */
export class Accounts {
  readonly events = new Bus<AccountEvents>()
  readonly sessions: Sessions
  readonly people: People
  readonly own: OwnAccount
  readonly #tries: Tries
  readonly #factors: SecondFactors
  readonly #store: AccountsOptions['store']
  readonly #log: Log
  readonly #passwords: Passwords
  readonly #claimCode = makeClaimCode()

  constructor({ store, clock, log, sealer, scryptCost }: AccountsOptions) {
    this.#store = store
    this.#log = log
    const { events } = this
    this.#passwords = new Passwords(scryptCost)
    this.#tries = new Tries({ store, clock, log, events })
    this.sessions = new Sessions({ store, clock, log, events })
    this.#factors = new SecondFactors({ store, clock, sealer })
    const { sessions } = this
    this.people = new People({
      store,
      clock,
      events,
      passwords: this.#passwords,
      sessions,
      factors: this.#factors,
    })
    this.own = new OwnAccount({
      store,
      tries: this.#tries,
      passwords: this.#passwords,
      factors: this.#factors,
      people: this.people,
    })
  }

  /** For other secrets that strangers show. */
  get throttle(): Throttle {
    return this.#tries.throttle
  }

  /** Whether the gateway has an admin. */
  claimed(): Promise<boolean> {
    return this.#store.users.hasAdmin()
  }

  /** The code for the first admin; undefined once there is one. New at each start, and kept in memory alone. */
  async claimCode(): Promise<string | undefined> {
    return (await this.claimed()) ? undefined : this.#claimCode
  }

  /** Makes the first admin and signs in. Rejects with `forbidden` (wrong code), `conflict`, `usage`, `rate_limited`. */
  async claim(
    claim: { readonly claimCode: string; readonly name: string; readonly password: string },
    caller: Caller,
  ): Promise<IssuedSession> {
    if (await this.claimed()) throw alreadyClaimed()
    const { address } = caller
    const right = await this.#tries.attempt({
      caller,
      whose: async () => ({ address, who: 'claim', known: true }),
      check: async () => isClaimCode(claim.claimCode, this.#claimCode) || undefined,
    })
    if (right === undefined) {
      this.#tries.tell('wrong_claim_code', caller)
      throw new AppError(
        'forbidden',
        'This is not the claim code. The gateway shows it with: pixelgate setup',
      )
    }
    const user = await this.people.prepare({ ...claim, role: 'admin' })
    const made = await this.#store.users.insertFirstAdmin(user)
    if (made === 'claimed') throw alreadyClaimed()
    if (made === 'taken') throw nameTaken(user.name)
    this.#log.info({ user: user.name }, 'the gateway was claimed')
    return this.enter(this.people.added(user), caller)
  }

  /**
   * Rejects with `unauthenticated` (the same words for an unknown name and a wrong password), `second_factor_required`
   * (the password was right), `forbidden` (switched off) or `rate_limited`.
   */
  async signIn(
    {
      name,
      password,
      code,
    }: { readonly name: string; readonly password: string; readonly code?: string | undefined },
    caller: Caller,
  ): Promise<IssuedSession> {
    let user: StoredUser | undefined
    let refusal = new AppError('unauthenticated', wrong)
    const found = await this.#tries.attempt({
      caller,
      name: () => user?.name,
      whose: async () => {
        user = await this.#store.users.byName(name)
        return this.#tries.ofAccount(user, name, caller)
      },
      check: async () => {
        const right = await this.#passwords.verify(password, user?.passwordHash)
        if (user === undefined || !right) {
          this.#tries.tell(user === undefined ? 'unknown' : 'wrong_password', caller, user)
          return undefined
        }
        if (user.disabled) {
          this.#tries.tell('disabled', caller, user)
          throw new AppError('forbidden', 'This account is switched off. Ask an admin of the gateway.')
        }
        if (!user.secondFactor) return user
        if (code === undefined)
          throw new AppError('second_factor_required', 'A code of your app, or a backup code, is needed too.')
        if ((await this.#factors.use(user.id, code)) !== undefined) return user
        this.#tries.tell('wrong_second_factor', caller, user)
        refusal = new AppError('unauthenticated', wrongCode)
        return undefined
      },
    })
    if (found === undefined) throw refusal
    return this.enter(found, caller)
  }

  /** Makes an account that `keep` stores, in whatever role, and signs in: for invitations. Rejects with what `keep` does. */
  async join(
    person: { readonly name: string; readonly password: string },
    caller: Caller,
    keep: (user: UserRecord) => Promise<UserRecord>,
  ): Promise<IssuedSession> {
    const user = await keep(await this.people.prepare({ ...person, role: 'viewer' }))
    return this.enter(this.people.added(user), caller)
  }

  /** A session for somebody whose identity was proved in another way. Rejects with `unauthenticated` when they have gone. */
  async enter(user: StoredUser, caller: Caller): Promise<IssuedSession> {
    const session = await this.sessions.open(user, caller)
    if (session === undefined) throw new AppError('unauthenticated', wrong)
    this.#tries.tell('ok', caller, user)
    return session
  }

  /** Who has shown this token; undefined when it is none, has expired or was signed out. */
  authenticate(token: string): Promise<Principal | undefined> {
    return this.sessions.authenticate(token)
  }

  /** Ends the session of an access token; nothing happens for what is none. */
  async signOut(token: string): Promise<void> {
    const principal = await this.authenticate(token)
    if (principal?.signInId !== undefined) await this.sessions.end(principal.signInId, principal.id)
  }

  users(): Promise<readonly UserView[]> {
    return this.people.list()
  }

  user(id: string): Promise<UserView | undefined> {
    return this.people.get(id)
  }

  addUser(added: {
    readonly name: string
    readonly password: string
    readonly role: Role
  }): Promise<UserView> {
    return this.people.add(added)
  }

  async removeUser(name: string): Promise<void> {
    await this.people.remove(name)
  }
}

const alreadyClaimed = (): AppError =>
  new AppError('conflict', 'This gateway has an admin already. Sign in, or ask them for an account.')
