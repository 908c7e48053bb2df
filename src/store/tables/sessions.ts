import type { Database } from 'better-sqlite3'
import type { Role } from '../../kernel/role.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey } from '../sha256.ts'

/** One sign-in, with the two tokens that it has at this moment. Of tokens only the SHA-256 is kept. */
export interface SessionRecord {
  /** UUIDv7. */
  readonly id: string
  readonly userId: string
  /** What the client calls itself, for people. */
  readonly agent: string
  readonly address: string
  readonly createdMs: number
  readonly usedMs: number
  /** End of the session, unless its tokens are renewed before. */
  readonly expiresMs: number
}

export interface NewSession extends SessionRecord {
  /** That the password was compared with. */
  readonly passwordHash: string
}

/** Hexadecimal SHA-256 of an access token and a refresh token that are made together. */
export interface TokenPair {
  readonly accessSha: string
  readonly accessExpiresMs: number
  readonly refreshSha: string
  readonly expiresMs: number
}

/** A session whose access token was shown, with the one whose it is. */
export interface SignedIn {
  readonly id: string
  readonly userId: string
  readonly name: string
  readonly role: Role
  readonly usedMs: number
  readonly accessExpiresMs: number
}

export interface SessionOfUser extends SessionRecord {
  readonly name: string
}

/** A session that is over, for those who hold something of it. */
export interface EndedSession {
  readonly id: string
  readonly userId: string
  readonly accessSha: string
}

export type Rotation =
  | {
      readonly kind: 'rotated'
      readonly sessionId: string
      readonly userId: string
      readonly oldAccessSha: string
    }
  /** The token was used before, so somebody else may have it: the session has ended. */
  | { readonly kind: 'reused'; readonly name: string; readonly ended: EndedSession }
  | { readonly kind: 'unknown' }

interface EndedRow extends Omit<EndedSession, 'accessSha'> {
  readonly accessSha: Buffer
}

/** Used refresh tokens that a session remembers, to know them when they are shown again; in 30 days about 1,500 are used. */
const rememberedTokens = 3000

const fields = 'id, userId, agent, address, createdMs, usedMs, expiresMs'
const ended = ({ accessSha, ...rest }: EndedRow): EndedSession => ({
  ...rest,
  accessSha: accessSha.toString('hex'),
})

function endWhere(db: Database, condition: string, values: object): EndedSession[] {
  const sql = `DELETE FROM sessions WHERE ${condition} RETURNING id, userId, accessSha`
  return prepared<EndedRow>(db, sql).all(values).map(ended)
}

/** Within a transaction of another table: all sessions of a user, or all but one. */
export const endSessionsOf = (db: Database, userId: string, but: string | null = null): EndedSession[] =>
  endWhere(db, 'userId = @userId AND id IS NOT @but', { userId, but })

const addRefreshToken = (db: Database, sessionId: string, { refreshSha, expiresMs }: TokenPair): void =>
  void prepared(db, 'INSERT INTO refreshTokens (tokenSha, sessionId, expiresMs) VALUES (?, ?, ?)').run(
    shaKey(refreshSha),
    sessionId,
    expiresMs,
  )

export const sessions = {
  /**
   * Adds a session, drops those that have expired and, beyond `keep` of one user, those that were used longest ago.
   * Returns those that are gone; undefined when the user is gone, switched off, or has another password by now.
   */
  insert: write((db, added: NewSession, tokens: TokenPair, keep: number): EndedSession[] | undefined => {
    const insert = `INSERT INTO sessions (${fields}, accessSha, accessExpiresMs)
      SELECT @id, users.id, @agent, @address, @createdMs, @usedMs, @expiresMs, @accessSha, @accessExpiresMs
      FROM users WHERE users.id = @userId AND disabled = 0 AND passwordHash = @passwordHash`
    const row = { ...added, accessSha: shaKey(tokens.accessSha), accessExpiresMs: tokens.accessExpiresMs }
    if (prepared(db, insert).run(row).changes === 0) return undefined
    addRefreshToken(db, added.id, tokens)
    const expired = endWhere(db, 'expiresMs <= @nowMs', { nowMs: added.createdMs })
    const beyond = `id IN (SELECT id FROM sessions WHERE userId = @userId AND id <> @id
      ORDER BY usedMs DESC, createdMs DESC LIMIT -1 OFFSET @others)`
    return [...expired, ...endWhere(db, beyond, { userId: added.userId, id: added.id, others: keep - 1 })]
  }),

  /** Whose access token this is. */
  find: read((db, at: { readonly accessSha: string; readonly nowMs: number }): SignedIn | undefined => {
    const sql = `SELECT sessions.id, userId, name, role, usedMs, accessExpiresMs FROM sessions
      JOIN users ON users.id = sessions.userId WHERE accessSha = ? AND accessExpiresMs > ? AND disabled = 0`
    return prepared<SignedIn>(db, sql).get(shaKey(at.accessSha), at.nowMs)
  }),

  /**
   * Takes a refresh token in and puts two new tokens in the place of the old ones. A token that was used before ends its
   * session instead (RFC 9700 §4.14.2).
   */
  rotate: write(
    (
      db,
      shown: {
        readonly refreshSha: string
        readonly nowMs: number
        readonly agent: string
        readonly address: string
      },
      tokens: TokenPair,
    ): Rotation => {
      const sql = `SELECT sessionId, refreshTokens.usedMs AS usedMs, userId, name, accessSha,
          refreshTokens.expiresMs <= @nowMs AS expired
        FROM refreshTokens JOIN sessions ON sessions.id = sessionId JOIN users ON users.id = userId WHERE tokenSha = @sha`
      const found = prepared<{
        sessionId: string
        usedMs: number | null
        userId: string
        name: string
        accessSha: Buffer
        expired: number
      }>(db, sql).get({ sha: shaKey(shown.refreshSha), nowMs: shown.nowMs })
      if (found === undefined) return { kind: 'unknown' }
      const { sessionId, userId, name } = found
      if (found.usedMs !== null) {
        const [over] = endWhere(db, 'id = @sessionId', { sessionId })
        return over === undefined ? { kind: 'unknown' } : { kind: 'reused', name, ended: over }
      }
      if (found.expired === 1) return { kind: 'unknown' }
      prepared(db, 'UPDATE refreshTokens SET usedMs = ? WHERE tokenSha = ?').run(
        shown.nowMs,
        shaKey(shown.refreshSha),
      )
      addRefreshToken(db, sessionId, tokens)
      // What has expired cannot be used again, so it need not be told from what was never there.
      const forget = `DELETE FROM refreshTokens WHERE sessionId = @sessionId AND (expiresMs <= @nowMs OR tokenSha IN (
        SELECT tokenSha FROM refreshTokens WHERE sessionId = @sessionId ORDER BY expiresMs DESC LIMIT -1 OFFSET @kept))`
      prepared(db, forget).run({ sessionId, nowMs: shown.nowMs, kept: rememberedTokens })
      const update = `UPDATE sessions SET accessSha = @accessSha, accessExpiresMs = @accessExpiresMs,
        expiresMs = @expiresMs, usedMs = @nowMs, agent = @agent, address = @address WHERE id = @sessionId`
      prepared(db, update).run({
        sessionId,
        nowMs: shown.nowMs,
        agent: shown.agent,
        address: shown.address,
        accessSha: shaKey(tokens.accessSha),
        accessExpiresMs: tokens.accessExpiresMs,
        expiresMs: tokens.expiresMs,
      })
      return { kind: 'rotated', sessionId, userId, oldAccessSha: found.accessSha.toString('hex') }
    },
  ),

  /** Newest first; `userId` null: of everybody. */
  list: read(
    (
      db,
      of: {
        readonly userId: string | null
        readonly nowMs: number
        readonly limit: number
        readonly before: string | null
        readonly skip: number
      },
    ): { readonly sessions: SessionOfUser[]; readonly total: number } => {
      const whose = of.userId === null ? '' : 'AND userId = @userId'
      const from = `FROM sessions JOIN users ON users.id = userId WHERE sessions.expiresMs > @nowMs ${whose}`
      const columns = fields.replaceAll(/\b(id|createdMs)\b/g, 'sessions.$1')
      const page = `SELECT ${columns}, name ${from} AND (@before IS NULL OR sessions.id < @before)
        ORDER BY sessions.id DESC LIMIT @limit OFFSET @skip`
      return {
        sessions: prepared<SessionOfUser>(db, page).all(of),
        total: prepared<{ total: number }>(db, `SELECT count(*) AS total ${from}`).get(of)?.total ?? 0,
      }
    },
  ),

  /** Whether the user has a session that holds and was last renewed from this address. */
  known: read(
    (db, from: { readonly userId: string; readonly address: string; readonly nowMs: number }): boolean => {
      const sql =
        'SELECT 1 FROM sessions WHERE userId = @userId AND address = @address AND expiresMs > @nowMs'
      return prepared(db, sql).get(from) !== undefined
    },
  ),

  /** Notes when it was last used. */
  touch: write((db, at: { readonly id: string; readonly nowMs: number }): void => {
    prepared(db, 'UPDATE sessions SET usedMs = ? WHERE id = ?').run(at.nowMs, at.id)
  }),

  /** Ends one; undefined when there is none, or when it belongs to somebody else than `userId` (null: to anybody). */
  end: write(
    (db, which: { readonly id: string; readonly userId: string | null }): EndedSession | undefined =>
      endWhere(db, 'id = @id AND (@userId IS NULL OR userId = @userId)', which)[0],
  ),

  /** Ends all sessions of a user but one. */
  endOthers: write((db, of: { readonly userId: string; readonly but: string | null }): EndedSession[] =>
    endSessionsOf(db, of.userId, of.but),
  ),

  /** Ends what has expired. */
  expire: write((db, nowMs: number): EndedSession[] => endWhere(db, 'expiresMs <= @nowMs', { nowMs })),
}
