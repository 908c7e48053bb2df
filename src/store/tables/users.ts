import type { Database } from 'better-sqlite3'
import type { Role } from '../../kernel/role.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { type EndedSession, endSessionsOf } from './sessions.ts'

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

/** A user as stored, with what hangs on it. */
export interface StoredUser extends UserRecord {
  /** May not sign in. */
  readonly disabled: boolean
  /** A second factor is asked for at each sign-in. */
  readonly secondFactor: boolean
}

/** What is to be different; what is left out stays. */
export interface UserChange {
  readonly role?: Role
  readonly passwordHash?: string
  readonly disabled?: boolean
}

export type UserUpdate =
  | 'missing'
  | 'last_admin'
  | { readonly before: StoredUser; readonly after: StoredUser; readonly ended: readonly EndedSession[] }

interface Row extends UserRecord {
  readonly disabled: number
  readonly secondFactor: number
}

const columns = 'id, name, role, passwordHash, createdMs'
const select = `SELECT ${columns}, disabled,
  EXISTS (SELECT 1 FROM secondFactors WHERE userId = users.id AND confirmedMs IS NOT NULL) AS secondFactor FROM users`
const stored = (row: Row): StoredUser => ({
  ...row,
  disabled: row.disabled === 1,
  secondFactor: row.secondFactor === 1,
})

const insertSql = `INSERT INTO users (${columns}) VALUES (@id, @name, @role, @passwordHash, @createdMs)
  ON CONFLICT (name) DO NOTHING`

const count = (db: Database, sql: string, ...values: unknown[]): number =>
  prepared<{ count: number }>(db, sql).get(...values)?.count ?? 0
const admins = (db: Database): number => count(db, `SELECT count(*) AS count FROM users WHERE role = 'admin'`)
/** Whether nobody could manage the gateway without this one. */
const isLastAdmin = (db: Database, { id, role, disabled }: StoredUser): boolean =>
  role === 'admin' &&
  !disabled &&
  count(db, `SELECT count(*) AS count FROM users WHERE role = 'admin' AND disabled = 0 AND id <> ?`, id) === 0

function byName(db: Database, name: string): StoredUser | undefined {
  const row = prepared<Row>(db, `${select} WHERE name = ?`).get(name)
  return row && stored(row)
}

function byId(db: Database, id: string): StoredUser | undefined {
  const row = prepared<Row>(db, `${select} WHERE id = ?`).get(id)
  return row && stored(row)
}

export const users = {
  /** False when the name is taken. */
  insert: write((db, user: UserRecord): boolean => prepared(db, insertSql).run(user).changes > 0),

  /** `claimed`: there is an admin already, so nobody becomes the first one. */
  insertFirstAdmin: write((db, user: UserRecord): 'made' | 'claimed' | 'taken' => {
    if (admins(db) > 0) return 'claimed'
    return prepared(db, insertSql).run({ ...user, role: 'admin' }).changes > 0 ? 'made' : 'taken'
  }),

  hasAdmin: read((db): boolean => admins(db) > 0),

  get: read((db, id: string): StoredUser | undefined => byId(db, id)),

  byName: read((db, name: string): StoredUser | undefined => byName(db, name)),

  /** By name. */
  list: read((db): StoredUser[] => prepared<Row>(db, `${select} ORDER BY name`).all().map(stored)),

  /**
   * Changes a user; one enabled admin is always left. Another password, and being switched off, end the sessions but for
   * `keep`.
   */
  update: write((db, name: string, change: UserChange, keep: string | null = null): UserUpdate => {
    const before = byName(db, name)
    if (before === undefined) return 'missing'
    const { role = before.role, disabled = before.disabled, passwordHash = before.passwordHash } = change
    if ((role !== 'admin' || disabled) && isLastAdmin(db, before)) return 'last_admin'
    prepared(db, 'UPDATE users SET role = ?, disabled = ?, passwordHash = ? WHERE id = ?').run(
      role,
      Number(disabled),
      passwordHash,
      before.id,
    )
    const ends = change.passwordHash !== undefined || disabled
    const ended = ends ? endSessionsOf(db, before.id, keep) : []
    return { before, after: { ...before, role, disabled, passwordHash }, ended }
  }),

  /** Removes the user and with it the sessions; the last admin stays. */
  remove: write((db, name: string): StoredUser | 'missing' | 'last_admin' => {
    const user = byName(db, name)
    if (user === undefined) return 'missing'
    if (isLastAdmin(db, user)) return 'last_admin'
    prepared(db, 'DELETE FROM users WHERE id = ?').run(user.id)
    return user
  }),
}
