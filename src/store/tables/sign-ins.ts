import type { Role } from '../../kernel/role.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey } from '../sha256.ts'

/** A token that somebody got for a password. Only its SHA-256 is kept. */
export interface SignInRecord {
  /** Hexadecimal SHA-256 of the token. */
  readonly tokenSha: string
  readonly userId: string
  /** What the client calls itself, for people. */
  readonly agent: string
  readonly address: string
  readonly createdMs: number
  readonly usedMs: number
  readonly expiresMs: number
}

/** A sign-in with the one whose it is. */
export interface SignedIn {
  readonly tokenSha: string
  readonly userId: string
  readonly name: string
  readonly role: Role
  readonly usedMs: number
  readonly expiresMs: number
}

interface Row extends Omit<SignedIn, 'tokenSha'> {
  readonly tokenSha: Buffer
}

export const signIns = {
  /**
   * Adds a sign-in, drops those that have expired and, beyond `keep` of one user, those that were used longest ago.
   * Returns the token hashes that are gone; undefined when the user is.
   */
  insert: write((db, added: SignInRecord, keep: number): string[] | undefined => {
    const insert = `INSERT INTO signIns (tokenSha, userId, agent, address, createdMs, usedMs, expiresMs)
      SELECT @tokenSha, id, @agent, @address, @createdMs, @usedMs, @expiresMs FROM users WHERE id = @userId`
    if (prepared(db, insert).run({ ...added, tokenSha: shaKey(added.tokenSha) }).changes === 0)
      return undefined
    const drop = `DELETE FROM signIns WHERE expiresMs <= @nowMs OR tokenSha IN (
      SELECT tokenSha FROM signIns WHERE userId = @userId AND tokenSha <> @tokenSha
      ORDER BY usedMs DESC, createdMs DESC LIMIT -1 OFFSET @others) RETURNING tokenSha`
    return prepared<{ tokenSha: Buffer }>(db, drop)
      .all({
        nowMs: added.createdMs,
        userId: added.userId,
        tokenSha: shaKey(added.tokenSha),
        others: keep - 1,
      })
      .map(({ tokenSha }) => tokenSha.toString('hex'))
  }),

  find: read((db, at: { readonly tokenSha: string; readonly nowMs: number }): SignedIn | undefined => {
    const sql = `SELECT tokenSha, userId, name, role, usedMs, expiresMs FROM signIns
      JOIN users ON users.id = signIns.userId WHERE tokenSha = ? AND expiresMs > ?`
    const row = prepared<Row>(db, sql).get(shaKey(at.tokenSha), at.nowMs)
    return row && { ...row, tokenSha: row.tokenSha.toString('hex') }
  }),

  /** Notes when it was last used. */
  touch: write((db, at: { readonly tokenSha: string; readonly nowMs: number }): void => {
    prepared(db, 'UPDATE signIns SET usedMs = ? WHERE tokenSha = ?').run(at.nowMs, shaKey(at.tokenSha))
  }),

  /** Whether the user has signed in from this address and that sign-in still holds. */
  known: read(
    (db, from: { readonly userId: string; readonly address: string; readonly nowMs: number }): boolean => {
      const sql = `SELECT 1 FROM signIns WHERE userId = @userId AND address = @address AND expiresMs > @nowMs`
      return prepared(db, sql).get(from) !== undefined
    },
  ),

  /** False when there was no such sign-in. */
  remove: write(
    (db, tokenSha: string): boolean =>
      prepared(db, 'DELETE FROM signIns WHERE tokenSha = ?').run(shaKey(tokenSha)).changes > 0,
  ),
}
