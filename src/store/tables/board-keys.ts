import type { BoardId } from '../../kernel/ids.ts'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

/**
 * `active`: the board has proved it. `pending`: it was sent and not proved yet, so that the board may have it or the one
 * before. `leaving`: the board was told to drop it and may have done so.
 */
export type BoardKeyState = 'active' | 'pending' | 'leaving'

/** A pairing key, encrypted; what opens it is not in the database. */
export interface BoardKeyRecord {
  readonly boardId: BoardId
  readonly state: BoardKeyState
  readonly sealed: Uint8Array
}

/** Pairing keys of boards (SPEC §9). */
export const boardKeys = {
  of: read((db, boardId: BoardId): BoardKeyRecord[] =>
    prepared<BoardKeyRecord>(
      db,
      'SELECT boardId, state, sealed FROM boardKeys WHERE boardId = ? ORDER BY state',
    ).all(boardId),
  ),

  /** Boards with a key that they have proved. */
  paired: read((db): readonly BoardId[] =>
    prepared<{ boardId: BoardId }>(db, "SELECT DISTINCT boardId FROM boardKeys WHERE state <> 'pending'")
      .all()
      .map(({ boardId }) => boardId),
  ),

  /** Any at all, of any board. */
  some: read((db): boolean => prepared(db, 'SELECT 1 FROM boardKeys LIMIT 1').get() !== undefined),

  /** Written down before the board hears of it; an earlier one that came to nothing is forgotten. */
  propose: write(
    (db, key: { readonly boardId: BoardId; readonly sealed: Uint8Array; readonly nowMs: number }): void => {
      const sql = `INSERT INTO boardKeys (boardId, state, sealed, madeMs) VALUES (@boardId, 'pending', @sealed, @nowMs)
        ON CONFLICT (boardId, state) DO UPDATE SET sealed = excluded.sealed, madeMs = excluded.madeMs`
      prepared(db, sql).run(key)
    },
  ),

  /** The board has proved the pending one: it takes the place of the others. */
  confirm: write((db, boardId: BoardId): void => {
    prepared(
      db,
      "DELETE FROM boardKeys WHERE boardId = ? AND state <> 'pending' AND EXISTS (SELECT 1 FROM boardKeys AS other WHERE other.boardId = boardKeys.boardId AND other.state = 'pending')",
    ).run(boardId)
    prepared(db, "UPDATE boardKeys SET state = 'active' WHERE boardId = ? AND state = 'pending'").run(boardId)
  }),

  /** True: the board is about to be told to drop its key. False: it would not. */
  leave: write((db, { boardId, leaving }: { readonly boardId: BoardId; readonly leaving: boolean }): void => {
    const [from, to] = leaving ? ['active', 'leaving'] : ['leaving', 'active']
    prepared(db, 'UPDATE boardKeys SET state = ? WHERE boardId = ? AND state = ?').run(to, boardId, from)
  }),

  /** All of the board. False when there was none. */
  remove: write(
    (db, boardId: BoardId): boolean =>
      prepared(db, 'DELETE FROM boardKeys WHERE boardId = ?').run(boardId).changes > 0,
  ),
}
