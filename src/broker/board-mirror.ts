import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'
import type { BoardView } from '../wire/board.ts'
import type { BoardInfoPayload, BoardStatePayload } from '../wire/mqtt.ts'
import type { Publisher } from './publisher.ts'
import type { GatewayTopics } from './topics.ts'

export interface BoardMirrorParts {
  readonly core: Pick<GatewayCore, 'bus' | 'views'>
  readonly topics: GatewayTopics
  readonly publisher: Publisher
  readonly log: Log
  /** Boards that the gateway speaks for; the mirror adds those that it meets. */
  readonly served: Set<string>
}

/** Availability, state and info of each board, retained. Of a board that changes often only the latest is published. */
export class BoardMirror {
  readonly #parts: BoardMirrorParts
  readonly #changed = new Set<string>()
  #working: Promise<void> | undefined
  #ends: readonly (() => void)[] = []

  constructor(parts: BoardMirrorParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { bus } = this.#parts.core
    const touch = ({ boardId }: { readonly boardId: string }) => this.#touch(boardId)
    this.#ends = [
      bus.on('board.up', touch),
      bus.on('board.down', touch),
      bus.on('board.quarantined', touch),
      bus.on('board.refused', touch),
      bus.on('board.trust', touch),
      bus.on('board.state', touch),
      bus.on('board.changed', touch),
    ]
    await this.refresh()
  }

  /** Says all there is to say again; what has not changed is not published. */
  async refresh(): Promise<void> {
    for (const board of await this.#parts.core.views.list()) await this.#publish(board)
  }

  /** Every board becomes unreachable with the gateway. */
  async stop(): Promise<void> {
    for (const end of this.#ends) end()
    this.#changed.clear()
    await this.#working
    const { served, publisher, topics } = this.#parts
    await Promise.all([...served].map(id => publisher.retain(topics.board(id).availability, 'offline')))
  }

  #touch(boardId: string): void {
    this.#parts.served.add(boardId)
    this.#changed.add(boardId)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  async #work(): Promise<void> {
    // A board that changes meanwhile comes up once more in the same walk.
    for (const boardId of this.#changed) {
      this.#changed.delete(boardId)
      try {
        await this.#publish(await this.#parts.core.views.find(boardId))
      } catch (thrown) {
        const { message } = toError(thrown)
        this.#parts.log.warn({ boardId, reason: message }, 'a board could not be shown over MQTT')
      }
    }
  }

  async #publish(board: BoardView): Promise<void> {
    const { topics, publisher, served } = this.#parts
    served.add(board.id)
    const place = topics.board(board.id)
    const online = board.state === 'connected'
    await Promise.all([
      publisher.retain(place.info, infoOf(board)),
      board.status === null ? undefined : publisher.retain(place.state, stateOf(board.status)),
      publisher.retain(place.availability, online ? 'online' : 'offline'),
    ])
  }
}

function infoOf(board: BoardView): BoardInfoPayload {
  const { id, name, leds, width, height, firmware, address, trust } = board
  return { id, name, leds, width, height, firmware, address, trust }
}

function stateOf(status: NonNullable<BoardView['status']>): BoardStatePayload {
  const { mode, brightness, patternId, patternName, imageId } = status
  return { mode, brightness, patternId, patternName, imageId }
}
