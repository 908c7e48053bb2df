import type { Role } from '../../kernel/role.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey } from '../sha256.ts'

/** A token that a person has made for a program. The token itself is never kept. */
export interface ApiTokenRecord {
  /** UUIDv7. */
  readonly id: string
  readonly userId: string
  readonly name: string
  /** What its owner gave it; it can do no more than its owner at any time. */
  readonly role: Role
  readonly scopesJson: string
  /** Its first characters, by which people know it again. */
  readonly prefix: string
  readonly createdMs: number
  readonly expiresMs: number
  readonly lastUsedMs: number | null
}

/** A token with the one whose it is. */
export interface OwnedApiToken extends ApiTokenRecord {
  readonly userName: string
  readonly userRole: Role
}

const columns = 'id, userId, name, role, scopesJson, prefix, createdMs, expiresMs, lastUsedMs'
const owned = `SELECT ${columns
  .split(', ')
  .map(name => `apiTokens.${name}`)
  .join(', ')}, users.name AS userName, users.role AS userRole
  FROM apiTokens JOIN users ON users.id = apiTokens.userId`

export const apiTokens = {
  /** `full`: the person has `atMost` of them. `missing`: the person is gone. Those that have ended are removed first. */
  insert: write(
    (
      db,
      {
        secretSha,
        atMost,
        ...token
      }: ApiTokenRecord & { readonly secretSha: string; readonly atMost: number },
    ): 'made' | 'full' | 'missing' => {
      prepared(db, 'DELETE FROM apiTokens WHERE expiresMs <= ?').run(token.createdMs)
      if (prepared(db, 'SELECT 1 FROM users WHERE id = ?').get(token.userId) === undefined) return 'missing'
      const sql = 'SELECT count(*) AS count FROM apiTokens WHERE userId = ?'
      if ((prepared<{ count: number }>(db, sql).get(token.userId)?.count ?? 0) >= atMost) return 'full'
      prepared(
        db,
        `INSERT INTO apiTokens (secretSha, ${columns}) VALUES (@secretSha, @id, @userId, @name, @role, @scopesJson, @prefix,
          @createdMs, @expiresMs, @lastUsedMs)`,
      ).run({ ...token, secretSha: shaKey(secretSha) })
      return 'made'
    },
  ),

  /** By the SHA-256 of the token, hexadecimal; not those of somebody who is switched off. */
  find: read((db, secretSha: string): OwnedApiToken | undefined =>
    prepared<OwnedApiToken>(db, `${owned} WHERE apiTokens.secretSha = ? AND users.disabled = 0`).get(
      shaKey(secretSha),
    ),
  ),

  /** Newest first; null: those of everybody. */
  ofUser: read((db, userId: string | null): OwnedApiToken[] => {
    const order = 'ORDER BY apiTokens.id DESC'
    if (userId === null) return prepared<OwnedApiToken>(db, `${owned} ${order}`).all()
    return prepared<OwnedApiToken>(db, `${owned} WHERE apiTokens.userId = ? ${order}`).all(userId)
  }),

  noteUse: write((db, use: { readonly id: string; readonly nowMs: number }): void => {
    prepared(db, 'UPDATE apiTokens SET lastUsedMs = @nowMs WHERE id = @id').run(use)
  }),

  /** Removes it where it is the user's, or anybody's for `userId` null. undefined: there is no such token. */
  remove: write(
    (
      db,
      { id, userId }: { readonly id: string; readonly userId: string | null },
    ): { userId: string; name: string; secretSha: string } | undefined => {
      const sql = `DELETE FROM apiTokens WHERE id = @id AND (@userId IS NULL OR userId = @userId)
        RETURNING userId, name, lower(hex(secretSha)) AS secretSha`
      return prepared<{ userId: string; name: string; secretSha: string }>(db, sql).get({ id, userId })
    },
  ),
}
