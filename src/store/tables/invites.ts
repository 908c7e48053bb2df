import type { Role } from '../../kernel/role.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey } from '../sha256.ts'
import { type UserRecord, users } from './users.ts'

/** Somebody may make an account. The code itself is never kept. */
export interface InviteRecord {
  /** UUIDv7. */
  readonly id: string
  readonly role: Role
  readonly note: string | null
  /** null: from the console. */
  readonly invitedById: string | null
  readonly invitedBy: string
  readonly createdMs: number
  readonly expiresMs: number
  readonly usedMs: number | null
  /** Name of the account that came of it. */
  readonly usedBy: string | null
}

const columns = 'id, role, note, invitedById, invitedBy, createdMs, expiresMs, usedMs, usedBy'

/** An invitation is worth as much as who made it: the console, or somebody who still is an admin. */
const open = `SELECT ${columns} FROM invites WHERE codeSha = @codeSha AND usedMs IS NULL AND expiresMs > @nowMs
  AND (invitedById IS NULL OR EXISTS (SELECT 1 FROM users WHERE users.id = invites.invitedById AND users.role = 'admin'
    AND users.disabled = 0))`

const month = 30 * 86_400_000

export const invites = {
  /** False when there are `atMost` open ones. Those that ended a month ago are forgotten. */
  insert: write(
    (
      db,
      { codeSha, atMost, ...invite }: InviteRecord & { readonly codeSha: string; readonly atMost: number },
    ): boolean => {
      prepared(db, 'DELETE FROM invites WHERE expiresMs <= ?').run(invite.createdMs - month)
      const sql = 'SELECT count(*) AS count FROM invites WHERE expiresMs > ? AND usedMs IS NULL'
      if ((prepared<{ count: number }>(db, sql).get(invite.createdMs)?.count ?? 0) >= atMost) return false
      prepared(
        db,
        `INSERT INTO invites (codeSha, ${columns}) VALUES (@codeSha, @id, @role, @note, @invitedById, @invitedBy, @createdMs,
          @expiresMs, @usedMs, @usedBy)`,
      ).run({ ...invite, codeSha: shaKey(codeSha) })
      return true
    },
  ),

  /** Newest first. */
  list: read((db): InviteRecord[] =>
    prepared<InviteRecord>(db, `SELECT ${columns} FROM invites ORDER BY id DESC`).all(),
  ),

  /** One that can still be accepted. */
  find: read(
    (
      db,
      { codeSha, nowMs }: { readonly codeSha: string; readonly nowMs: number },
    ): InviteRecord | undefined => prepared<InviteRecord>(db, open).get({ codeSha: shaKey(codeSha), nowMs }),
  ),

  /** Makes the account and uses the invitation up, both or neither. */
  accept: write(
    (
      db,
      {
        codeSha,
        nowMs,
        user,
      }: { readonly codeSha: string; readonly nowMs: number; readonly user: UserRecord },
    ): InviteRecord | 'gone' | 'taken' => {
      const invite = prepared<InviteRecord>(db, open).get({ codeSha: shaKey(codeSha), nowMs })
      if (invite === undefined) return 'gone'
      if (!users.insert.run(db, { ...user, role: invite.role })) return 'taken'
      prepared(db, 'UPDATE invites SET usedMs = ?, usedBy = ? WHERE id = ?').run(nowMs, user.name, invite.id)
      return { ...invite, usedMs: nowMs, usedBy: user.name }
    },
  ),

  /** The one that was removed. */
  remove: write((db, id: string): InviteRecord | undefined =>
    prepared<InviteRecord>(db, `DELETE FROM invites WHERE id = ? RETURNING ${columns}`).get(id),
  ),
}
