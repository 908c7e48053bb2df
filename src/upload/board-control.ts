import type { BoardRegistry } from '../board/registry.ts'
import type { BoardSession } from '../board/session.ts'
import { AppError } from '../kernel/errors.ts'
import type { BoardId, PatternId } from '../kernel/ids.ts'
import type { BoardMessage } from '../protocol/messages.ts'
import type { Store } from '../store/store.ts'

export type BoardCommand =
  | { readonly type: 'PLAY' | 'STOP' | 'NEXT' | 'PREVIOUS' | 'STATUS' | 'REBOOT' }
  | { readonly type: 'BRIGHTNESS'; readonly level: number }
  | { readonly type: 'IDENTIFY'; readonly ms: number }
  /** Plays a pattern that an earlier upload has left on the board. */
  | { readonly type: 'SELECT'; readonly patternId: PatternId }

/** State 2 of LIST (SPEC §8.1). */
const verified = 2

/** What people and programs may tell a board, whichever door they come through. */
export class BoardControl {
  readonly #registry: BoardRegistry
  readonly #store: Store

  constructor(registry: BoardRegistry, store: Store) {
    this.#registry = registry
    this.#store = store
  }

  /**
   * Resolves with the board's answer; what the board does then is asked anew, so that everybody hears of it. Rejects with
   * `board_mute` while the board is away, `board_quarantined`, `board_refused`, and `not_found` when it lacks the pattern.
   */
  async act(boardId: BoardId, command: BoardCommand): Promise<BoardMessage> {
    const session = this.#sessionOf(boardId)
    const answer = await (command.type === 'SELECT'
      ? this.#select(boardId, session, command.patternId)
      : session.request(command))
    // It says nothing new after a restart, and the answer to the command stands whatever becomes of this.
    if (command.type !== 'STATUS' && command.type !== 'REBOOT')
      await session.request({ type: 'STATUS' }).catch(() => undefined)
    return answer
  }

  #sessionOf(boardId: BoardId): BoardSession {
    if (this.#registry.quarantined(boardId))
      throw new AppError(
        'board_quarantined',
        'Two boards have the same UUID, so neither is told anything. Unplug one of them.',
      )
    const session = this.#registry.session(boardId)
    if (session === undefined)
      throw new AppError('board_mute', 'The board is not connected. Check its power and cable.')
    return session
  }

  async #select(boardId: BoardId, session: BoardSession, patternId: PatternId): Promise<BoardMessage> {
    const images = await this.#store.jobs.imagesOf({ boardId, patternId })
    let slots = 1
    for (let slot = 0; slot < slots; slot++) {
      const listed = await session.request({ type: 'LIST', slot })
      if (listed.type !== 'LIST') break
      slots = listed.slots
      if (listed.state === verified && images.includes(Buffer.from(listed.id).toString('hex')))
        return session.request({ type: 'SELECT', slot, id: listed.id.slice() })
    }
    throw new AppError('not_found', 'The board does not hold this pattern any more. Upload it again.')
  }
}
