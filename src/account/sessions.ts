import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { EndedSession, TokenPair } from '../store/tables/sessions.ts'
import type { StoredUser } from '../store/tables/users.ts'
import type { SessionView, SignedInView } from '../wire/auth.ts'
import type { AccountEvents, Caller } from './account-events.ts'
import type { Principal } from './principal.ts'
import { PrincipalCache } from './principal-cache.ts'
import { makeToken, tokenHash } from './tokens.ts'
import { userView } from './user-view.ts'

const minuteMs = 60_000
/** Lifetime of an access token. */
export const accessMs = 30 * minuteMs
/** Lifetime of a refresh token, and of a session that is not renewed. */
export const refreshMs = 30 * 24 * 60 * minuteMs
/** How far `usedMs` of a session may lag behind: a write for each request would wear out an SD card. */
const noteEveryMs = 5 * minuteMs
/** A clock that is set right by less than this touches no token. */
const clockSlackMs = 5 * minuteMs
const sweepEveryMs = 60 * minuteMs
const sessionsPerUser = 100
const cachedSessions = 1000
const longestAgent = 200

/** What was made for a sign-in or a refresh; `refreshToken` is always there. */
export type IssuedSession = SignedInView & { readonly refreshToken: string }

export interface SessionsParts {
  readonly store: Pick<Store, 'sessions' | 'users'>
  readonly clock: Clock
  readonly log: Log
  readonly events: Bus<AccountEvents>
}

export interface SessionQuery {
  readonly limit: number
  readonly before: string | null
  readonly skip: number
  readonly current: string | undefined
}

/**
 * Sign-ins that last: an access token of 30 minutes and a refresh token of 30 days, which is good for one new pair. All of
 * them are opaque random bits, so the database alone says which hold: nothing is signed, and nothing has to be remembered
 * about those that were revoked.
 */
export class Sessions {
  readonly #parts: SessionsParts
  readonly #cache = new PrincipalCache(cachedSessions)
  #sweep: { cancel(): void } | undefined

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  /** From now on sessions whose time is over end by themselves, for those who are still connected. */
  start(): void {
    const { clock, store, log } = this.#parts
    this.#sweep = clock.setTimer(sweepEveryMs, () => {
      this.start()
      store.sessions.expire(clock.wallTime()).then(
        ended => this.ended(ended),
        thrown => log.warn({ reason: toError(thrown).message }, 'old sessions could not be ended'),
      )
    })
  }

  stop(): void {
    this.#sweep?.cancel()
  }

  /** A session for somebody whose identity was proved; undefined when they were removed or changed meanwhile. */
  async open(user: StoredUser, caller: Caller): Promise<IssuedSession | undefined> {
    const { clock, store } = this.#parts
    const nowMs = clock.wallTime()
    const made = newTokens(nowMs)
    const session = {
      id: uuidV7(nowMs),
      userId: user.id,
      passwordHash: user.passwordHash,
      agent: caller.agent.slice(0, longestAgent),
      address: caller.address,
      createdMs: nowMs,
      usedMs: nowMs,
      expiresMs: made.pair.expiresMs,
    }
    const dropped = await store.sessions.insert(session, made.pair, sessionsPerUser)
    if (dropped === undefined) return undefined
    this.ended(dropped)
    return issued(user, session.id, made)
  }

  /**
   * Two new tokens for a refresh token, which is used up by that. Rejects with `unauthenticated`; a token that was used
   * before ends its session, whoever shows it.
   */
  async refresh(refreshToken: string, caller: Caller): Promise<IssuedSession> {
    const { clock, store } = this.#parts
    const refreshSha = tokenHash(refreshToken)
    if (refreshSha === undefined) throw refused()
    const nowMs = clock.wallTime()
    const made = newTokens(nowMs)
    const agent = caller.agent.slice(0, longestAgent)
    const shown = { refreshSha, nowMs, agent, address: caller.address }
    const rotation = await store.sessions.rotate(shown, made.pair)
    if (rotation.kind === 'reused') {
      this.ended([rotation.ended])
      const { userId } = rotation.ended
      this.#tell('refresh_reuse', caller, { name: rotation.name, userId })
    }
    if (rotation.kind !== 'rotated') throw refused()
    this.#cache.forget(rotation.oldAccessSha)
    const user = await store.users.get(rotation.userId)
    if (user === undefined) throw refused()
    return issued(user, rotation.sessionId, made)
  }

  /**
   * Who has shown this access token; undefined when it is none, has expired or was revoked. Once it is known its time is
   * measured, so a clock that is set meanwhile neither ends nor prolongs it.
   */
  async authenticate(token: string): Promise<Principal | undefined> {
    const { clock, store, log } = this.#parts
    const accessSha = tokenHash(token)
    if (accessSha === undefined) return undefined
    const nowMs = clock.now()
    let entry = this.#cache.get(accessSha)
    if (entry === undefined) {
      const since = this.#cache.forgotten
      const wallMs = clock.wallTime()
      const found = await store.sessions.find({ accessSha, nowMs: wallMs })
      if (found === undefined) return undefined
      const { userId, name, role, accessExpiresMs, usedMs } = found
      const restMs = accessExpiresMs - wallMs
      // The clock has gone back since: the token would hold for as long again.
      if (restMs > accessMs + clockSlackMs) return undefined
      entry = {
        principal: { kind: 'user', id: userId, name, role, signInId: found.id },
        endsMs: nowMs + restMs,
        notedMs: nowMs - Math.min(Math.max(wallMs - usedMs, 0), noteEveryMs),
      }
      this.#cache.put(accessSha, entry, since)
    }
    if (nowMs >= entry.endsMs) return undefined
    if (nowMs - entry.notedMs >= noteEveryMs) {
      entry.notedMs = nowMs
      store.sessions.touch({ id: entry.principal.signInId ?? '', nowMs: clock.wallTime() }).catch(thrown => {
        log.warn({ reason: toError(thrown).message }, 'the use of a session could not be noted')
      })
    }
    return entry.principal
  }

  /** Newest first. `userId` null: of everybody. */
  async list(
    userId: string | null,
    query: SessionQuery,
  ): Promise<{ sessions: SessionView[]; total: number }> {
    const { limit, before, skip, current } = query
    const nowMs = this.#parts.clock.wallTime()
    const { sessions, total } = await this.#parts.store.sessions.list({ userId, nowMs, limit, before, skip })
    const view = (session: (typeof sessions)[number]): SessionView => ({
      id: session.id,
      user: session.name,
      agent: session.agent,
      address: session.address,
      createdAt: new Date(session.createdMs).toISOString(),
      lastUsedAt: new Date(session.usedMs).toISOString(),
      expiresAt: new Date(session.expiresMs).toISOString(),
      current: session.id === current,
    })
    return { sessions: sessions.map(view), total }
  }

  /** Ends one; false when there is none, or when it is not of `userId` (null: of anybody). */
  async end(id: string, userId: string | null): Promise<boolean> {
    const over = await this.#parts.store.sessions.end({ id, userId })
    if (over !== undefined) this.ended([over])
    return over !== undefined
  }

  /** Ends all of somebody but `but`; how many there were. */
  async endOthers(userId: string, but: string | null): Promise<number> {
    const over = await this.#parts.store.sessions.endOthers({ userId, but })
    this.ended(over)
    return over.length
  }

  /** What the database has ended ends everywhere. */
  ended(over: readonly EndedSession[]): void {
    for (const { id, userId, accessSha } of over) {
      this.#cache.forget(accessSha)
      this.#parts.events.emit('signIn.ended', { userId, signInId: id })
    }
  }

  /** Role or name are read anew with the next request. */
  forgetUser(userId: string): void {
    this.#cache.forgetUser(userId)
  }

  #tell(
    outcome: 'refresh_reuse',
    { address, agent }: Caller,
    who: { readonly name: string; readonly userId: string },
  ): void {
    const said = { outcome, address, agent: agent.slice(0, longestAgent), ...who }
    this.#parts.log.warn(said, 'a used refresh token was shown again, so its session has ended')
    this.#parts.events.emit('signIn.tried', said)
  }
}

interface NewTokens {
  readonly access: string
  readonly refresh: string
  readonly pair: TokenPair
}

function newTokens(nowMs: number): NewTokens {
  const [access, refresh] = [makeToken(), makeToken()]
  const pair = {
    accessSha: tokenHash(access) ?? '',
    accessExpiresMs: nowMs + accessMs,
    refreshSha: tokenHash(refresh) ?? '',
    expiresMs: nowMs + refreshMs,
  }
  return { access, refresh, pair }
}

const issued = (
  user: StoredUser,
  sessionId: string,
  { access, refresh, pair }: NewTokens,
): IssuedSession => ({
  user: userView(user),
  token: access,
  expiresAt: new Date(pair.accessExpiresMs).toISOString(),
  refreshToken: refresh,
  refreshExpiresAt: new Date(pair.expiresMs).toISOString(),
  sessionId,
})

const refused = (): AppError =>
  new AppError('unauthenticated', 'The refresh token is not valid any more. Sign in again.')
