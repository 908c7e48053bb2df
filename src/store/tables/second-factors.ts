import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { shaKey } from '../sha256.ts'

/** What an authenticator app shares with the gateway, encrypted; what opens it is not in the database. */
export interface SecondFactorRecord {
  readonly userId: string
  readonly sealed: Uint8Array
  /** Time step (RFC 6238 §4.2) of the newest code that was used; -1: none. */
  readonly lastStep: number
  readonly madeMs: number
  /** null: the app has not shown yet that it has the secret. */
  readonly confirmedMs: number | null
}

const addCodes = `INSERT INTO backupCodes (userId, codeSha) VALUES (?, ?)`

export const secondFactors = {
  get: read((db, userId: string): SecondFactorRecord | undefined =>
    prepared<SecondFactorRecord>(db, 'SELECT * FROM secondFactors WHERE userId = ?').get(userId),
  ),

  any: read((db): boolean => prepared(db, 'SELECT 1 FROM secondFactors LIMIT 1').get() !== undefined),

  /** A new secret in the place of one that was never confirmed. False when one is confirmed, or the user is gone. */
  begin: write((db, made: { userId: string; sealed: Uint8Array; madeMs: number }): boolean => {
    const sql = `INSERT INTO secondFactors (userId, sealed, madeMs) SELECT id, @sealed, @madeMs FROM users WHERE id = @userId
      ON CONFLICT (userId) DO UPDATE SET sealed = excluded.sealed, madeMs = excluded.madeMs, lastStep = -1
      WHERE confirmedMs IS NULL`
    return prepared(db, sql).run({ ...made, sealed: Buffer.from(made.sealed) }).changes > 0
  }),

  /** From now on the factor is asked for. False when it was confirmed already, or replaced by another secret. */
  confirm: write(
    (
      db,
      by: { userId: string; sealed: Uint8Array; step: number; nowMs: number; codeShas: readonly string[] },
    ): boolean => {
      const sql = `UPDATE secondFactors SET confirmedMs = @nowMs, lastStep = @step
        WHERE userId = @userId AND confirmedMs IS NULL AND sealed = @sealed`
      const { codeShas, ...row } = by
      if (prepared(db, sql).run({ ...row, sealed: Buffer.from(by.sealed) }).changes === 0) return false
      for (const sha of codeShas) prepared(db, addCodes).run(by.userId, shaKey(sha))
      return true
    },
  ),

  /** Uses a time step up, with all before it. False: it or a later one was used already. */
  useStep: write(
    (db, { userId, step }: { userId: string; step: number }): boolean =>
      prepared(
        db,
        'UPDATE secondFactors SET lastStep = @step WHERE userId = @userId AND lastStep < @step AND confirmedMs IS NOT NULL',
      ).run({ userId, step }).changes > 0,
  ),

  /** Uses a backup code up; how many are left, or undefined when it is none or was used. */
  useCode: write((db, by: { userId: string; codeSha: string; nowMs: number }): number | undefined => {
    const use = 'UPDATE backupCodes SET usedMs = ? WHERE userId = ? AND codeSha = ? AND usedMs IS NULL'
    if (prepared(db, use).run(by.nowMs, by.userId, shaKey(by.codeSha)).changes === 0) return undefined
    const left = 'SELECT count(*) AS count FROM backupCodes WHERE userId = ? AND usedMs IS NULL'
    return prepared<{ count: number }>(db, left).get(by.userId)?.count ?? 0
  }),

  /** Puts these in the place of all backup codes. False when there is no confirmed factor. */
  setCodes: write((db, by: { userId: string; codeShas: readonly string[] }): boolean => {
    const confirmed = 'SELECT 1 FROM secondFactors WHERE userId = ? AND confirmedMs IS NOT NULL'
    if (prepared(db, confirmed).get(by.userId) === undefined) return false
    prepared(db, 'DELETE FROM backupCodes WHERE userId = ?').run(by.userId)
    for (const sha of by.codeShas) prepared(db, addCodes).run(by.userId, shaKey(sha))
    return true
  }),

  /** False when there was none. */
  remove: write(
    (db, userId: string): boolean =>
      prepared(db, 'DELETE FROM secondFactors WHERE userId = ?').run(userId).changes > 0,
  ),
}
