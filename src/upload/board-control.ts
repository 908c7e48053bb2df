import { type Actor, nobody } from '../board/actor.ts'
import type { BoardRegistry } from '../board/registry.ts'
import type { BoardSession } from '../board/session.ts'
import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
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
  | { readonly type: 'SELECT'; readonly slot: number }

export interface CommandEvents {
  /** Somebody has told a board something; `error`: it was not done. Not said of STATUS, which changes nothing. */
  readonly 'board.command': {
    readonly boardId: BoardId
    readonly command: BoardCommand
    readonly by: Actor
    readonly error: AppError | undefined
  }
}

export interface HeldPattern {
  readonly slot: number
  /** 32 hexadecimal digits. */
  readonly imageId: string
  /** As its manifest says. */
  readonly name: string
}

/** State 2 of LIST (SPEC §8.1). */
const verified = 2
/** A board that is silent is given up after five seconds; one that says that it is busy gets this long. */
const commandTimeoutMs = 20_000

/** What people and programs may tell a board, whichever door they come through. */
export class BoardControl {
  readonly #registry: BoardRegistry
  readonly #store: Store
  readonly #clock: Clock
  readonly #bus: Bus<CommandEvents>

  constructor(parts: { registry: BoardRegistry; store: Store; clock: Clock; bus: Bus<CommandEvents> }) {
    this.#registry = parts.registry
    this.#store = parts.store
    this.#clock = parts.clock
    this.#bus = parts.bus
  }

  /**
   * Resolves with the board's answer; what the board does then is asked anew, so that everybody hears of it. Rejects with
   * `board_mute` while the board is away and when it has not answered within 20 s, `board_quarantined`, `board_refused`,
   * and `not_found` when it lacks the pattern.
   */
  async act(boardId: BoardId, command: BoardCommand, by: Actor = nobody): Promise<BoardMessage> {
    const tell = (error?: AppError) => {
      if (command.type !== 'STATUS') this.#bus.emit('board.command', { boardId, command, by, error })
    }
    try {
      const words = `The board has not answered within ${commandTimeoutMs / 1000} s. It may still do what it was told.`
      const answered = this.#act(boardId, command)
      const answer = await withDeadline(this.#clock, commandTimeoutMs, answered, 'board_mute', words)
      tell()
      return answer
    } catch (thrown) {
      if (thrown instanceof AppError) tell(thrown)
      throw thrown
    }
  }

  /** The patterns that the board holds whole, by slot. Rejects as `act` does. */
  async held(boardId: BoardId): Promise<readonly HeldPattern[]> {
    const session = this.#sessionOf(boardId)
    const found: HeldPattern[] = []
    let slots = 1
    for (let slot = 0; slot < slots; slot++) {
      const listed = await session.request({ type: 'LIST', slot })
      if (listed.type !== 'LIST') break
      slots = listed.slots
      if (listed.state === verified)
        found.push({ slot, imageId: Buffer.from(listed.id).toString('hex'), name: listed.name })
    }
    return found
  }

  async #act(boardId: BoardId, command: BoardCommand): Promise<BoardMessage> {
    const session = this.#sessionOf(boardId)
    const answer = await (command.type === 'SELECT'
      ? this.#select(boardId, session, command)
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
      throw new AppError('board_mute', 'The board is not connected. Check its power and cable.', {
        detail: { undone: true },
      })
    return session
  }

  async #select(
    boardId: BoardId,
    session: BoardSession,
    wanted: Extract<BoardCommand, { type: 'SELECT' }>,
  ): Promise<BoardMessage> {
    if ('slot' in wanted) return this.#selectSlot(session, wanted.slot)
    const { patternId } = wanted
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

  async #selectSlot(session: BoardSession, slot: number): Promise<BoardMessage> {
    const first = await session.request({ type: 'LIST', slot: 0 })
    const slots = first.type === 'LIST' ? first.slots : 0
    if (slot >= slots)
      throw new AppError('not_found', `The board has the slots 0 to ${slots - 1}, and no slot ${slot}.`)
    const listed = slot === 0 ? first : await session.request({ type: 'LIST', slot })
    if (listed.type !== 'LIST' || listed.state !== verified)
      throw new AppError('not_found', `Slot ${slot} of the board holds no pattern. Upload one.`)
    return session.request({ type: 'SELECT', slot, id: listed.id.slice() })
  }
}
