import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Role } from '../kernel/role.ts'
import type { Store } from '../store/store.ts'
import type { StoredUser, UserChange, UserRecord, UserUpdate } from '../store/tables/users.ts'
import type { UserView } from '../wire/auth.ts'
import type { AccountEvents } from './account-events.ts'
import type { Passwords } from './passwords.ts'
import type { SecondFactors } from './second-factors.ts'
import type { Sessions } from './sessions.ts'
import { userView } from './user-view.ts'

export interface PeopleParts {
  readonly store: Pick<Store, 'users'>
  readonly clock: Pick<Clock, 'wallTime'>
  readonly events: Bus<AccountEvents>
  readonly passwords: Passwords
  readonly sessions: Sessions
  readonly factors: SecondFactors
}

export interface NewPerson {
  readonly name: string
  readonly password: string
  readonly role: Role
}

/** The users and what an admin does with them. */
export class People {
  readonly #parts: PeopleParts

  constructor(parts: PeopleParts) {
    this.#parts = parts
  }

  /** By name. */
  async list(): Promise<readonly UserView[]> {
    return (await this.#parts.store.users.list()).map(userView)
  }

  async get(id: string): Promise<UserView | undefined> {
    const user = await this.#parts.store.users.get(id)
    return user && userView(user)
  }

  /** Rejects with `not_found`. */
  async named(name: string): Promise<UserView> {
    return userView(await this.#stored(name))
  }

  /** A user that is not stored yet. Rejects with `usage` when anybody would guess the password. */
  async prepare({ name, password, role }: NewPerson): Promise<UserRecord> {
    const passwordHash = await this.#parts.passwords.hash(password, name)
    const createdMs = this.#parts.clock.wallTime()
    return { id: uuidV7(createdMs), name, role, passwordHash, createdMs }
  }

  /** To be called when a prepared user has been stored. */
  added(record: UserRecord): StoredUser {
    const user = { ...record, disabled: false, secondFactor: false }
    this.#parts.events.emit('user.added', userView(user))
    return user
  }

  /** Rejects with `conflict` when the name is taken and with `usage` when anybody would guess the password. */
  async add(person: NewPerson): Promise<UserView> {
    const user = await this.prepare(person)
    if (!(await this.#parts.store.users.insert(user))) throw nameTaken(user.name)
    return userView(this.added(user))
  }

  /**
   * What an admin changes. Another password and being switched off end all sessions. Rejects with `not_found`, `usage`,
   * and with `conflict` where no admin would be left.
   */
  async change(
    name: string,
    {
      password,
      ...rest
    }: {
      readonly role?: Role | undefined
      readonly password?: string | undefined
      readonly disabled?: boolean | undefined
    },
  ): Promise<{ readonly before: UserView; readonly after: UserView }> {
    const { name: exact } = await this.#stored(name)
    const { role, disabled } = rest
    const passwordHash =
      password === undefined ? undefined : await this.#parts.passwords.hash(password, exact)
    const change: UserChange = {
      ...(role !== undefined && { role }),
      ...(disabled !== undefined && { disabled }),
      ...(passwordHash !== undefined && { passwordHash }),
    }
    return this.#changed(name, await this.#parts.store.users.update(name, change))
  }

  /** A new password of one's own; ends all sessions but the one that asks. Rejects with `usage`. */
  async setOwnPassword(name: string, password: string, signInId: string | undefined): Promise<void> {
    const passwordHash = await this.#parts.passwords.hash(password, name)
    this.#changed(name, await this.#parts.store.users.update(name, { passwordHash }, signInId ?? null))
  }

  /** For who has lost app, codes or the key file. Rejects with `not_found` when there is no user or no second factor. */
  async resetSecondFactor(name: string): Promise<void> {
    const user = await this.#stored(name)
    if (!(await this.#parts.factors.remove(user.id)))
      throw new AppError('not_found', `${user.name} has no second factor.`)
    this.secondFactorSet(user, false)
  }

  /** To be called when a user has begun or ceased to have a second factor. */
  secondFactorSet(user: StoredUser, secondFactor: boolean): void {
    this.#parts.events.emit('user.changed', {
      before: userView(user),
      after: userView({ ...user, secondFactor }),
    })
  }

  /** Removes a user and all sessions of theirs. Rejects with `not_found`, and with `conflict` for the last admin. */
  async remove(name: string): Promise<UserView> {
    const removed = await this.#parts.store.users.remove(name)
    if (removed === 'missing') throw nobody(name)
    if (removed === 'last_admin') throw lastAdmin(name)
    const { sessions, events } = this.#parts
    sessions.forgetUser(removed.id)
    events.emit('signIn.ended', { userId: removed.id, signInId: null })
    events.emit('user.removed', { id: removed.id, name: removed.name })
    return userView(removed)
  }

  async #stored(name: string): Promise<StoredUser> {
    const user = await this.#parts.store.users.byName(name)
    if (user === undefined) throw nobody(name)
    return user
  }

  #changed(name: string, update: UserUpdate): { readonly before: UserView; readonly after: UserView } {
    if (update === 'missing') throw nobody(name)
    if (update === 'last_admin') throw lastAdmin(name)
    const { sessions, events } = this.#parts
    sessions.forgetUser(update.after.id)
    sessions.ended(update.ended)
    const change = { before: userView(update.before), after: userView(update.after) }
    events.emit('user.changed', change)
    return change
  }
}

const nobody = (name: string): AppError => new AppError('not_found', `Nobody is called "${name}".`)
const lastAdmin = (name: string): AppError =>
  new AppError('conflict', `${name} is the only admin. Make another one first.`)

export const nameTaken = (name: string): AppError =>
  new AppError('conflict', `The name ${name} is taken. Choose another one.`)
