import { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Role } from '../kernel/role.ts'
import type { Store } from '../store/store.ts'
import type { ApiTokenRecord, OwnedApiToken } from '../store/tables/api-tokens.ts'
import type { ApiTokenView } from '../wire/token.ts'
import { apiTokenHash, makeApiToken, shownPrefix } from './api-token-secret.ts'
import { lesserRole, type Principal } from './principal.ts'
import { PrincipalCache } from './principal-cache.ts'
import { scopeFault } from './scopes.ts'

const dayMs = 86_400_000
/** A write for each request would wear out an SD card. */
const noteEveryMs = 5 * 60_000
const tokensPerUser = 100
const cachedTokens = 1000

export interface NewApiToken {
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresInDays: number
  /** Left out: that of its owner. */
  readonly role?: Role | undefined
}

/** Whose token it is to be. */
export interface TokenOwner {
  readonly id: string
  readonly name: string
  readonly role: Role
}

export interface ApiTokenEvents {
  /** `signInId` as in Principal. */
  readonly 'token.ended': { readonly userId: string; readonly signInId: string }
}

/** Tokens that people make for their programs: some scopes, a role that is never more than their own, an end. */
export class ApiTokens {
  readonly events = new Bus<ApiTokenEvents>()
  readonly #store: Pick<Store, 'apiTokens'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #cache = new PrincipalCache(cachedTokens)

  constructor({
    store,
    clock,
    log,
  }: {
    readonly store: Pick<Store, 'apiTokens'>
    readonly clock: Clock
    readonly log: Log
  }) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /** The answer holds the token, this once. Rejects with `invalid` (scopes), `forbidden` (a greater role), `conflict`. */
  async make(
    owner: TokenOwner,
    { name, scopes, expiresInDays, role = owner.role }: NewApiToken,
    tags: ReadonlySet<string>,
  ): Promise<{ readonly token: ApiTokenView; readonly secret: string }> {
    const errors = scopes.flatMap((scope, at) => {
      const message = scopeFault(scope, tags)
      return message === undefined ? [] : [{ path: `scopes.${at}`, pointer: `/scopes/${at}`, message }]
    })
    if (errors.length > 0) {
      const words = errors.map(({ message }) => message).join('; ')
      throw new AppError('invalid', words, { detail: { errors } })
    }
    if (lesserRole(role, owner.role) !== role)
      throw new AppError('forbidden', `A token can be at most what its owner is: ${owner.role}.`)
    const secret = makeApiToken()
    const createdMs = this.#clock.wallTime()
    const record: ApiTokenRecord = {
      ...{ id: uuidV7(createdMs), userId: owner.id, name, role, prefix: shownPrefix(secret), createdMs },
      scopesJson: JSON.stringify([...new Set(scopes)]),
      expiresMs: createdMs + expiresInDays * dayMs,
      lastUsedMs: null,
    }
    const made = await this.#store.apiTokens.insert({
      ...record,
      secretSha: apiTokenHash(secret) ?? '',
      atMost: tokensPerUser,
    })
    if (made === 'missing') throw new AppError('unauthenticated', 'This account is gone. Sign in again.')
    if (made === 'full')
      throw new AppError(
        'conflict',
        `There are ${tokensPerUser} tokens already. Remove one that is not needed.`,
      )
    return { token: view({ ...record, userName: owner.name, userRole: owner.role }), secret }
  }

  /** Newest first; `userId` null: those of everybody. */
  async list(userId: string | null): Promise<readonly ApiTokenView[]> {
    return (await this.#store.apiTokens.ofUser(userId)).map(view)
  }

  /** `userId` null: whoever it belongs to. Rejects with `not_found`. */
  async remove(
    id: string,
    userId: string | null,
  ): Promise<{ readonly name: string; readonly userId: string }> {
    const removed = await this.#store.apiTokens.remove({ id, userId })
    if (removed === undefined)
      throw new AppError('not_found', 'There is no such token. GET /api/v1/tokens lists yours.')
    this.#cache.forget(removed.secretSha)
    this.events.emit('token.ended', { userId: removed.userId, signInId: removed.secretSha })
    return removed
  }

  /** undefined: nobody's, or over. */
  async authenticate(token: string): Promise<Principal | undefined> {
    const secretSha = apiTokenHash(token)
    if (secretSha === undefined) return undefined
    const nowMs = this.#clock.now()
    const known = this.#cache.get(secretSha)
    if (known !== undefined) {
      if (known.endsMs <= nowMs) return undefined
      if (nowMs - known.notedMs < noteEveryMs) return known.principal
    }
    const since = this.#cache.forgotten
    const found = await this.#store.apiTokens.find(secretSha)
    const wallMs = this.#clock.wallTime()
    if (found === undefined || found.expiresMs <= wallMs) return undefined
    const unusedMs = Math.max(0, wallMs - (found.lastUsedMs ?? Number.NEGATIVE_INFINITY))
    const isDue = unusedMs >= noteEveryMs
    const endsMs = nowMs + found.expiresMs - wallMs
    const principal = principalOf(found, secretSha, endsMs)
    this.#cache.put(secretSha, { principal, endsMs, notedMs: isDue ? nowMs : nowMs - unusedMs }, since)
    if (isDue) this.#noteUse(found.id, wallMs)
    return principal
  }

  /** Their role has changed, or they are gone: the next request asks the database. */
  forgetUser(userId: string): void {
    this.#cache.forgetUser(userId)
  }

  /** Nobody waits for it: it is only shown to people. */
  #noteUse(id: string, nowMs: number): void {
    this.#store.apiTokens.noteUse({ id, nowMs }).catch((thrown: unknown) => {
      this.#log.warn({ reason: toError(thrown).message }, 'the use of a token could not be noted')
    })
  }
}

function principalOf(token: OwnedApiToken, secretSha: string, endsMs: number): Principal {
  return {
    ...{ kind: 'token', id: token.userId, name: token.userName, signInId: secretSha, tokenId: token.id },
    role: lesserRole(token.role, token.userRole),
    scopes: scopesOf(token),
    endsMs,
  }
}

const scopesOf = ({ scopesJson }: Pick<ApiTokenRecord, 'scopesJson'>): readonly string[] =>
  JSON.parse(scopesJson) as string[]

const view = (token: OwnedApiToken): ApiTokenView => ({
  ...{ id: token.id, name: token.name, user: token.userName, prefix: token.prefix },
  scopes: scopesOf(token),
  role: lesserRole(token.role, token.userRole),
  createdAt: new Date(token.createdMs).toISOString(),
  expiresAt: new Date(token.expiresMs).toISOString(),
  lastUsedAt: token.lastUsedMs === null ? null : new Date(token.lastUsedMs).toISOString(),
})
