import type { Bus } from '../kernel/bus.ts'
import type { AppError } from '../kernel/errors.ts'
import { type BoardId, boardId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { BoardSession } from './session.ts'

export interface BoardEvents {
  readonly 'board.up': { readonly boardId: BoardId; readonly session: BoardSession }
  readonly 'board.down': { readonly boardId: BoardId; readonly error: AppError | undefined }
  /** Two boards claim one UUID; neither is used until one of them is gone. */
  readonly 'board.quarantined': { readonly boardId: BoardId; readonly addresses: readonly string[] }
}

/** Who is there. A board is known by its UUID, never by its port. */
export class BoardRegistry {
  readonly #present = new Map<BoardId, BoardSession[]>()
  readonly #bus: Bus<BoardEvents>
  readonly #log: Log

  constructor(bus: Bus<BoardEvents>, log: Log) {
    this.#bus = bus
    this.#log = log
  }

  /** Takes a session whose board has a UUID; it leaves by itself when the session ends. */
  add(session: BoardSession): void {
    const id = boardId(session.id)
    const others = this.#present.get(id) ?? []
    const sessions = [...others, session]
    this.#present.set(id, sessions)
    session.onEnd(error => this.#remove(id, session, error))
    if (others.length === 0) return this.#bus.emit('board.up', { boardId: id, session })
    const addresses = sessions.map(({ channel }) => channel.link.address)
    this.#log.error({ boardId: id, addresses }, 'two boards have the same UUID; give one of them a new one')
    if (others.length === 1) this.#bus.emit('board.down', { boardId: id, error: undefined })
    this.#bus.emit('board.quarantined', { boardId: id, addresses })
  }

  /** The board's session; undefined while it is away or quarantined. */
  session(id: BoardId): BoardSession | undefined {
    const sessions = this.#present.get(id)
    return sessions?.length === 1 ? sessions[0] : undefined
  }

  quarantined(id: BoardId): boolean {
    return (this.#present.get(id)?.length ?? 0) > 1
  }

  present(): readonly BoardId[] {
    return [...this.#present.keys()]
  }

  #remove(id: BoardId, session: BoardSession, error: AppError | undefined): void {
    const left = (this.#present.get(id) ?? []).filter(other => other !== session)
    if (left.length === 0) {
      this.#present.delete(id)
      return this.#bus.emit('board.down', { boardId: id, error })
    }
    this.#present.set(id, left)
    const [last] = left
    if (left.length === 1 && last !== undefined) this.#bus.emit('board.up', { boardId: id, session: last })
  }
}
