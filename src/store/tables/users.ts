import type { Role } from '../../kernel/role.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

/** Somebody with a password. Names are told apart without regard to case. */
export interface UserRecord {
  /** UUIDv7. */
  readonly id: string
  readonly name: string
  readonly role: Role
  /** As the account module writes it; never leaves the gateway. */
  readonly passwordHash: string
  readonly createdMs: number
}

const columns = 'id, name, role, passwordHash, createdMs'
const admins = `SELECT count(*) AS count FROM users WHERE role = 'admin'`

const insertSql = `INSERT INTO users (${columns}) VALUES (@id, @name, @role, @passwordHash, @createdMs)
  ON CONFLICT (name) DO NOTHING`

export const users = {
  /** False when the name is taken. */
  insert: write((db, user: UserRecord): boolean => prepared(db, insertSql).run(user).changes > 0),

  /** `claimed`: there is an admin already, so nobody becomes the first one. */
  insertFirstAdmin: write((db, user: UserRecord): 'made' | 'claimed' | 'taken' => {
    if ((prepared<{ count: number }>(db, admins).get()?.count ?? 0) > 0) return 'claimed'
    return prepared(db, insertSql).run({ ...user, role: 'admin' }).changes > 0 ? 'made' : 'taken'
  }),

  hasAdmin: read((db): boolean => (prepared<{ count: number }>(db, admins).get()?.count ?? 0) > 0),

  get: read((db, id: string): UserRecord | undefined =>
    prepared<UserRecord>(db, `SELECT ${columns} FROM users WHERE id = ?`).get(id),
  ),

  byName: read((db, name: string): UserRecord | undefined =>
    prepared<UserRecord>(db, `SELECT ${columns} FROM users WHERE name = ?`).get(name),
  ),

  list: read((db): UserRecord[] =>
    prepared<UserRecord>(db, `SELECT ${columns} FROM users ORDER BY name`).all(),
  ),

  /** Removes the user and with it the sign-ins; the last admin stays. */
  remove: write((db, name: string): UserRecord | 'missing' | 'last_admin' => {
    const user = prepared<UserRecord>(db, `SELECT ${columns} FROM users WHERE name = ?`).get(name)
    if (user === undefined) return 'missing'
    const count = prepared<{ count: number }>(db, admins).get()?.count ?? 0
    if (user.role === 'admin' && count <= 1) return 'last_admin'
    prepared(db, 'DELETE FROM users WHERE id = ?').run(user.id)
    return user
  }),
}
