import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { sha256 } from '../sha256.ts'

/** What a program elsewhere may have the gateway do with a signed call. */
export interface CallbackRecord {
  /** UUIDv7. */
  readonly id: string
  readonly name: string
  readonly actionJson: string
  /** `"all"`, or a list of ids. */
  readonly boardsJson: string
  /** The secret, encrypted; what opens it is not in the database. */
  readonly sealed: Uint8Array
  readonly createdMs: number
  readonly lastCalledMs: number | null
}

const columns = 'id, name, actionJson, boardsJson, sealed, createdMs, lastCalledMs'

export const callbacks = {
  insert: write((db, callback: CallbackRecord & { readonly atMost: number }): 'made' | 'taken' | 'full' => {
    const { atMost, ...row } = callback
    const { count } = prepared<{ count: number }>(db, 'SELECT count(*) AS count FROM callbacks').get() ?? {
      count: 0,
    }
    if (count >= atMost) return 'full'
    const sql = `INSERT INTO callbacks (${columns}) VALUES (@id, @name, @actionJson, @boardsJson, @sealed, @createdMs,
      @lastCalledMs) ON CONFLICT (name) DO NOTHING`
    return prepared(db, sql).run(row).changes > 0 ? 'made' : 'taken'
  }),

  get: read((db, id: string): CallbackRecord | undefined =>
    prepared<CallbackRecord>(db, `SELECT ${columns} FROM callbacks WHERE id = ?`).get(id),
  ),

  list: read((db): CallbackRecord[] =>
    prepared<CallbackRecord>(db, `SELECT ${columns} FROM callbacks ORDER BY id DESC`).all(),
  ),

  /** Any at all. */
  some: read((db): boolean => prepared(db, 'SELECT 1 FROM callbacks LIMIT 1').get() !== undefined),

  /** What is left out stays. `missing`: there is none; `taken`: the name is. */
  change: write(
    (
      db,
      change: {
        readonly id: string
        readonly name: string | null
        readonly actionJson: string | null
        readonly boardsJson: string | null
        readonly sealed: Uint8Array | null
      },
    ): 'changed' | 'missing' | 'taken' => {
      const other = 'SELECT 1 FROM callbacks WHERE name = @name AND id <> @id'
      const { id, name } = change
      if (name !== null && prepared(db, other).get({ id, name }) !== undefined) return 'taken'
      const sql = `UPDATE callbacks SET name = coalesce(@name, name), actionJson = coalesce(@actionJson, actionJson),
        boardsJson = coalesce(@boardsJson, boardsJson), sealed = coalesce(@sealed, sealed) WHERE id = @id`
      return prepared(db, sql).run(change).changes > 0 ? 'changed' : 'missing'
    },
  ),

  remove: write(
    (db, id: string): boolean => prepared(db, 'DELETE FROM callbacks WHERE id = ?').run(id).changes > 0,
  ),

  /** False: a call with this message id has been taken within its window, or the callback is gone. */
  take: write(
    (
      db,
      call: {
        readonly callbackId: string
        readonly messageId: string
        readonly nowMs: number
        readonly untilMs: number
      },
    ): boolean => {
      const { callbackId, nowMs, untilMs } = call
      prepared(db, 'DELETE FROM callbackCalls WHERE untilMs <= ?').run(nowMs)
      const note = prepared(db, 'UPDATE callbacks SET lastCalledMs = ? WHERE id = ?')
      if (note.run(nowMs, callbackId).changes === 0) return false
      const sql = `INSERT INTO callbackCalls (callbackId, messageSha, untilMs) VALUES (@callbackId, @messageSha, @untilMs)
        ON CONFLICT DO NOTHING`
      const messageSha = sha256(Buffer.from(call.messageId))
      return prepared(db, sql).run({ callbackId, messageSha, untilMs }).changes > 0
    },
  ),
}
