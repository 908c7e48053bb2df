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
    const boards = await this.#book.list()
    const trusts = await this.#pairing.trustOfAll(
      boards.map(({ id }) => ({ id, session: this.#registry.session(id) })),
    )
    return Promise.all(boards.map((board, at) => this.#view(board, trusts[at] ?? 'untrusted')))
  }

  /** By id or name; rejects with `not_found`. */
  async find(idOrName: string): Promise<BoardView> {
    return this.view(await this.#book.find(idOrName))
  }

  async view(board: KnownBoard): Promise<BoardView> {
    return this.#view(board, await this.#pairing.trustOf(board.id, this.#registry.session(board.id)))
  }

  async #view(board: KnownBoard, trust: Trust): Promise<BoardView> {
    const state = this.#states.get(board.id)
    return {
      id: board.id,
      name: board.name,
      state: this.#presence(board.id),
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
      status: state === undefined ? null : await this.#status(state),
    }
  }

  #presence(id: BoardId): BoardView['state'] {
    if (this.#registry.quarantined(id)) return 'quarantined'
    return this.#registry.session(id) === undefined ? 'away' : 'connected'
  }

  async #status({ imageId, ...state }: BoardState): Promise<BoardStatusView> {
    const made = imageId === null ? undefined : await this.#madeFrom(imageId)
    return {
      ...state,
      imageId,
      patternId: made?.patternId ?? null,
      patternName: made?.patternName ?? null,
    }
  }

  async #madeFrom(imageId: string): Promise<Made | undefined> {
    const known = this.#made.get(imageId)
    if (known !== undefined) return known
    const job = await this.#store.jobs.ofImage(imageId)
    if (job === undefined) return undefined
    const made = { patternId: job.patternId, patternName: job.name }
    this.#made.set(imageId, made)
    if (this.#made.size > maxImages) this.#made.delete(this.#made.keys().next().value ?? '')
    return made
  }
}
