import { Gate } from '../guard/gate.ts'
import { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Role } from '../kernel/role.ts'
import type { Store } from '../store/store.ts'
import type { UserRecord } from '../store/tables/users.ts'
import type { SignedInView, UserView } from '../wire/auth.ts'
import { isClaimCode, makeClaimCode } from './claim-code.ts'
import { defaultScryptCost, hashPassword, type ScryptCost, verifyPassword } from './password-hash.ts'
import { passwordWeakness } from './password-weakness.ts'
import type { Principal } from './principal.ts'
import { PrincipalCache } from './principal-cache.ts'
import { Throttle } from './throttle.ts'
import { makeToken, tokenHash } from './tokens.ts'

export interface AccountEvents {
  /** `unknown`: nobody is called so; the name is left out then, as people type passwords there. */
  readonly 'signIn.tried': {
    readonly outcome: 'ok' | 'wrong_password' | 'unknown' | 'throttled' | 'wrong_claim_code'
    readonly name?: string
    readonly address: string
  }
  /** One sign-in (`signInId` as in Principal), or all of a user who was removed (null). */
  readonly 'signIn.ended': { readonly userId: string; readonly signInId: string | null }
  readonly 'user.added': UserView
  readonly 'user.removed': { readonly id: string; readonly name: string }
}

export interface AccountsOptions {
  readonly store: Pick<Store, 'users' | 'signIns'>
  readonly clock: Clock
  readonly log: Log
  readonly scryptCost?: ScryptCost
}

/** Where a request comes from; both are kept with the sign-in for people to look at. */
export interface Caller {
  readonly address: string
  readonly agent: string
}

const dayMs = 86_400_000
/** Lifetime of a sign-in. */
export const signInMs = 30 * dayMs
/** How far `usedMs` of a sign-in may lag behind: a write for each request would wear out an SD card. */
const noteEveryMs = 5 * 60_000
const signInsPerUser = 100
const cachedSignIns = 1000
/** 32 MiB each and about 170 ms: eight at once took 204 MB. */
const hashesAtOnce = 1
const hashesWaiting = 32
const longestAgent = 200

const wrong = 'The name or the password is wrong.'

/** Who may use the gateway. The first admin claims it with a code that only the console shows. */
export class Accounts {
  readonly events = new Bus<AccountEvents>()
  readonly #store: AccountsOptions['store']
  readonly #clock: Clock
  readonly #log: Log
  readonly #cost: ScryptCost
  readonly #throttle: Throttle
  readonly #cache = new PrincipalCache(cachedSignIns)
  readonly #hashing = new Gate({
    running: hashesAtOnce,
    waiting: hashesWaiting,
    message: 'Too many people sign in at this moment. Try again in a few seconds.',
  })
  readonly #claimCode = makeClaimCode()
  /** What an unknown name is checked against, so that it takes as long as a known one. */
  readonly #nobodysHash: string

  constructor({ store, clock, log, scryptCost = defaultScryptCost }: AccountsOptions) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#cost = scryptCost
    this.#throttle = new Throttle(clock)
    const { logN, r, p } = scryptCost
    this.#nobodysHash = `scrypt$${logN}$${r}$${p}$${'A'.repeat(22)}$${'A'.repeat(43)}`
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
  ): Promise<SignedInView> {
    if (await this.claimed()) throw alreadyClaimed()
    this.#take(caller, 'claim', true)
    if (!isClaimCode(claim.claimCode, this.#claimCode)) {
      this.#tried('wrong_claim_code', caller)
      throw new AppError(
        'forbidden',
        'This is not the claim code. The gateway shows it with: pixelgate setup',
      )
    }
    this.#throttle.forgive(caller.address, 'claim', true)
    const user = await this.#makeUser({ ...claim, role: 'admin' })
    const made = await this.#store.users.insertFirstAdmin(user)
    if (made === 'claimed') throw alreadyClaimed()
    if (made === 'taken') throw nameTaken(user.name)
    this.events.emit('user.added', userView(user))
    this.#log.info({ user: user.name }, 'the gateway was claimed')
    return this.#signedIn(user, caller)
  }

  /** Rejects with `unauthenticated` (the same words for an unknown name and a wrong password) or `rate_limited`. */
  signIn(
    { name, password }: { readonly name: string; readonly password: string },
    caller: Caller,
  ): Promise<SignedInView> {
    // Counting inside the gate, one after the other, lets many right passwords of one person through at once.
    return this.#hashing.run(async () => {
      const user = await this.#store.users.byName(name)
      const { address } = caller
      const known =
        user !== undefined &&
        (await this.#store.signIns.known({ userId: user.id, address, nowMs: this.#clock.wallTime() }))
      this.#take(caller, name, known, user?.name)
      const right = await verifyPassword(password, user?.passwordHash ?? this.#nobodysHash)
      if (user === undefined || !right) {
        this.#tried(user === undefined ? 'unknown' : 'wrong_password', caller, user?.name)
        throw new AppError('unauthenticated', wrong)
      }
      this.#throttle.forgive(address, name, known)
      return this.#signedIn(user, caller)
    })
  }

  /** Who has shown this token; undefined when it is none, has expired or was signed out. */
  async authenticate(token: string): Promise<Principal | undefined> {
    const tokenSha = tokenHash(token)
    if (tokenSha === undefined) return undefined
    const nowMs = this.#clock.wallTime()
    let entry = this.#cache.get(tokenSha)
    if (entry === undefined) {
      const since = this.#cache.forgotten
      const found = await this.#store.signIns.find({ tokenSha, nowMs })
      if (found === undefined) return undefined
      const { userId: id, name, role, expiresMs, usedMs: notedMs } = found
      entry = { principal: { kind: 'user', id, name, role, signInId: tokenSha }, expiresMs, notedMs }
      this.#cache.put(tokenSha, entry, since)
    }
    if (nowMs >= entry.expiresMs) return undefined
    if (nowMs - entry.notedMs >= noteEveryMs) {
      entry.notedMs = nowMs
      this.#store.signIns.touch({ tokenSha, nowMs }).catch(thrown => {
        this.#log.warn({ reason: toError(thrown).message }, 'the use of a sign-in could not be noted')
      })
    }
    return entry.principal
  }

  /** Ends one sign-in; nothing happens for what is none. */
  async signOut(token: string): Promise<void> {
    const tokenSha = tokenHash(token)
    if (tokenSha === undefined) return
    const principal = await this.authenticate(token)
    this.#cache.forget(tokenSha)
    const removed = await this.#store.signIns.remove(tokenSha)
    this.#cache.forget(tokenSha)
    if (removed && principal !== undefined)
      this.events.emit('signIn.ended', { userId: principal.id, signInId: tokenSha })
  }

  async users(): Promise<readonly UserView[]> {
    return (await this.#store.users.list()).map(userView)
  }

  async user(id: string): Promise<UserView | undefined> {
    const user = await this.#store.users.get(id)
    return user && userView(user)
  }

  /** Rejects with `conflict` when the name is taken and with `usage` when anybody would guess the password. */
  async addUser(added: {
    readonly name: string
    readonly password: string
    readonly role: Role
  }): Promise<UserView> {
    const user = await this.#makeUser(added)
    if (!(await this.#store.users.insert(user))) throw nameTaken(user.name)
    this.events.emit('user.added', userView(user))
    return userView(user)
  }

  /** Removes a user and all sign-ins of theirs. Rejects with `not_found`, and with `conflict` for the last admin. */
  async removeUser(name: string): Promise<void> {
    const removed = await this.#store.users.remove(name)
    if (removed === 'missing') throw new AppError('not_found', `Nobody is called "${name}".`)
    if (removed === 'last_admin')
      throw new AppError('conflict', `${name} is the only admin. Make another one first.`)
    this.#cache.forgetUser(removed.id)
    this.events.emit('signIn.ended', { userId: removed.id, signInId: null })
    this.events.emit('user.removed', { id: removed.id, name: removed.name })
  }

  async #makeUser({ name, password, role }: { name: string; password: string; role: Role }) {
    const weakness = passwordWeakness(password, name)
    if (weakness !== undefined) throw new AppError('usage', weakness)
    const passwordHash = await this.#hashing.run(() => hashPassword(password, this.#cost))
    const createdMs = this.#clock.wallTime()
    return { id: uuidV7(createdMs), name, role, passwordHash, createdMs } satisfies UserRecord
  }

  async #signedIn(user: UserRecord, caller: Caller): Promise<SignedInView> {
    const token = makeToken()
    const createdMs = this.#clock.wallTime()
    const expiresMs = createdMs + signInMs
    const dropped = await this.#store.signIns.insert(
      {
        tokenSha: tokenHash(token) ?? '',
        userId: user.id,
        agent: caller.agent.slice(0, longestAgent),
        address: caller.address,
        createdMs,
        usedMs: createdMs,
        expiresMs,
      },
      signInsPerUser,
    )
    // Somebody removed the user while the password was checked.
    if (dropped === undefined) throw new AppError('unauthenticated', wrong)
    for (const tokenSha of dropped) this.#cache.forget(tokenSha)
    this.#tried('ok', caller, user.name)
    return { user: userView(user), token, expiresAt: new Date(expiresMs).toISOString() }
  }

  #take(caller: Caller, name: string, known: boolean, knownName?: string): void {
    try {
      this.#throttle.take(caller.address, name, known)
    } catch (thrown) {
      this.#tried('throttled', caller, knownName)
      throw thrown
    }
  }

  #tried(outcome: AccountEvents['signIn.tried']['outcome'], { address }: Caller, name?: string): void {
    const said = { outcome, address, ...(name !== undefined && { name }) }
    if (outcome === 'ok') this.#log.info(said, 'signed in')
    else this.#log.warn(said, 'a sign-in was refused')
    this.events.emit('signIn.tried', said)
  }
}

const alreadyClaimed = (): AppError =>
  new AppError('conflict', 'This gateway has an admin already. Sign in, or ask them for an account.')

const nameTaken = (name: string): AppError =>
  new AppError('conflict', `The name ${name} is taken. Choose another one.`)

const userView = ({ id, name, role, createdMs }: UserRecord): UserView => ({
  id,
  name,
  role,
  createdAt: new Date(createdMs).toISOString(),
})
