import type { BoardBook } from '../board/board-book.ts'
import type { BoardState, BoardStates } from '../board/board-states.ts'
import type { BoardPairing, Trust } from '../board/pairing.ts'
import type { BoardRegistry } from '../board/registry.ts'
import type { BoardId } from '../kernel/ids.ts'
import type { Store } from '../store/store.ts'
import type { BoardStatusView, BoardView } from '../wire/board.ts'

type KnownBoard = Awaited<ReturnType<BoardBook['find']>>

/** Images whose pattern is remembered. */
const maxImages = 1000

interface Made {
  readonly patternId: string | null
  readonly patternName: string
}

/** Boards as HTTP, WebSocket, MQTT and chat show them. */
export class BoardViews {
  readonly #store: Store
  readonly #book: BoardBook
  readonly #registry: BoardRegistry
  readonly #states: BoardStates
  readonly #pairing: BoardPairing
  readonly #made = new Map<string, Made>()

  constructor(parts: {
    store: Store
    book: BoardBook
    registry: BoardRegistry
    states: BoardStates
    pairing: BoardPairing
  }) {
    this.#store = parts.store
    this.#book = parts.book
    this.#registry = parts.registry
    this.#states = parts.states
    this.#pairing = parts.pairing
  }

  async list(): Promise<readonly BoardView[]> {
    return this.#views(await this.#book.list())
  }

  /** Those of them that are known, by name. */
  async some(ids: readonly BoardId[]): Promise<readonly BoardView[]> {
    return ids.length === 0 ? [] : this.#views(await this.#book.some(ids))
  }

  /** By id or name; rejects with `not_found`. */
  async find(idOrName: string): Promise<BoardView> {
    return this.view(await this.#book.find(idOrName))
  }

  async view(board: KnownBoard): Promise<BoardView> {
    const trust = await this.#pairing.trustOf(board.id, this.#registry.session(board.id))
    await this.#learn([board])
    return this.#view(board, trust)
  }

  /** Whether it is there. */
  presence(id: BoardId): BoardView['state'] {
    if (this.#registry.quarantined(id)) return 'quarantined'
    return this.#registry.session(id) === undefined ? 'away' : 'connected'
  }

  /** The database is asked as often for a hundred boards as for one. */
  async #views(boards: readonly KnownBoard[]): Promise<readonly BoardView[]> {
    const trusts = await this.#pairing.trustOfAll(
      boards.map(({ id }) => ({ id, session: this.#registry.session(id) })),
    )
    await this.#learn(boards)
    return boards.map((board, at) => this.#view(board, trusts[at] ?? 'untrusted'))
  }

  #view(board: KnownBoard, trust: Trust): BoardView {
    const state = this.#states.get(board.id)
    return {
      id: board.id,
      name: board.name,
      state: this.presence(board.id),
      address: board.linkAddress,
      leds: board.leds,
      width: board.width,
      height: board.height,
      wiring: board.wiring,
      layout: board.layoutJson === null ? null : JSON.parse(board.layoutJson),
      colorOrder: board.colorOrder,
      powerCapMa: board.powerCapMa,
      firmware: board.firmware,
      trusted: trust === 'paired',
      trust,
      lastSeenAt: new Date(board.lastSeenMs).toISOString(),
      status: state === undefined ? null : this.#status(state),
    }
  }

  #status({ imageId, ...state }: BoardState): BoardStatusView {
    const made = imageId === null ? undefined : this.#made.get(imageId)
    return {
      ...state,
      imageId,
      patternId: made?.patternId ?? null,
      patternName: made?.patternName ?? null,
    }
  }

  /** What the images were made from that these boards show. */
  async #learn(boards: readonly KnownBoard[]): Promise<void> {
    const shown = boards.flatMap(({ id }) => this.#states.get(id)?.imageId ?? [])
    const unknown = [...new Set(shown)].filter(imageId => !this.#made.has(imageId))
    if (unknown.length === 0) return
    for (const { transferId, patternId, name } of await this.#store.jobs.ofImages(unknown))
      this.#made.set(transferId, { patternId, patternName: name })
    while (this.#made.size > maxImages) this.#made.delete(this.#made.keys().next().value ?? '')
  }
}
