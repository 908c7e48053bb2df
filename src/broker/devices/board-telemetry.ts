import type { Clock, Timer } from '../../kernel/clock.ts'
import { boardId } from '../../kernel/ids.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { Publisher } from '../publisher.ts'
import type { GatewayTopics } from '../topics/topics.ts'

/** A metric of a board is said as often at most, and only when it has changed. */
const everyMs = 10_000

/** Of uploads: share of the line that is payload, bytes that went again. Of the board: time of an answer, time since its start. */
type Metric = 'line-share' | 'retransmitted-bytes' | 'round-trip-ms' | 'uptime-seconds'

interface Measured {
  readonly now: Map<Metric, number>
  readonly told: Map<Metric, number>
}

/** What the gateway measures of the boards that it serves, at `…/BOARD/telemetry/METRIC`. */
export class BoardTelemetry {
  readonly #core: Pick<GatewayCore, 'bus' | 'registry'>
  readonly #topics: GatewayTopics
  readonly #publisher: Publisher
  readonly #clock: Clock
  readonly #boards = new Map<string, Measured>()
  #ends: readonly (() => void)[] = []
  #timer: Timer | undefined

  constructor(parts: {
    readonly core: Pick<GatewayCore, 'bus' | 'registry'>
    readonly topics: GatewayTopics
    readonly publisher: Publisher
    readonly clock: Clock
  }) {
    this.#core = parts.core
    this.#topics = parts.topics
    this.#publisher = parts.publisher
    this.#clock = parts.clock
  }

  start(): void {
    const { bus } = this.#core
    this.#ends = [
      bus.on('board.up', ({ boardId }) => {
        this.#boards.set(boardId, { now: new Map(), told: new Map() })
      }),
      bus.on('board.down', ({ boardId }) => void this.#boards.delete(boardId)),
      bus.on('board.state', ({ boardId, state }) =>
        this.#measured(boardId, 'uptime-seconds', state.uptimeSeconds),
      ),
      bus.on('job.progress', ({ boardId, lineShare, retransmittedBytes }) => {
        if (lineShare !== null) this.#measured(boardId, 'line-share', Math.round(lineShare * 1000) / 1000)
        this.#measured(boardId, 'retransmitted-bytes', retransmittedBytes)
      }),
    ]
    for (const id of this.#core.registry.present()) this.#boards.set(id, { now: new Map(), told: new Map() })
    this.#schedule()
  }

  stop(): void {
    for (const end of this.#ends) end()
    this.#timer?.cancel()
  }

  #measured(board: string, metric: Metric, value: number): void {
    this.#boards.get(board)?.now.set(metric, value)
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimer(everyMs, () => {
      for (const [board, measured] of this.#boards) this.#tell(board, measured)
      this.#schedule()
    })
  }

  #tell(board: string, { now, told }: Measured): void {
    const roundTripMs = this.#core.registry.session(boardId(board))?.roundTripMs
    if (roundTripMs !== undefined) now.set('round-trip-ms', Math.round(roundTripMs * 10) / 10)
    for (const [metric, value] of now) {
      if (told.get(metric) === value) continue
      told.set(metric, value)
      void this.#publisher.send(this.#topics.telemetry(board, metric), value, 0)
    }
  }
}
