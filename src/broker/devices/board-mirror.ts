import type { MqttUsers } from '../../account/mqtt-users.ts'
import { toError } from '../../kernel/errors.ts'
import { boardId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { BoardView } from '../../wire/board.ts'
import type { BoardInfoPayload, BoardStatePayload } from '../../wire/mqtt.ts'
import type { BrokerMessage, BrokerPort } from '../broker-port.ts'
import type { Publisher } from '../publisher.ts'
import type { GatewayTopics } from '../topics/topics.ts'
import type { BoardLinks } from './board-links.ts'
import type { BoardVoices } from './board-voices.ts'

/** Topics of a board at which it may speak itself as well. */
const shared = ['availability', 'info', 'state'] as const

export interface BoardMirrorParts {
  readonly core: Pick<GatewayCore, 'bus' | 'views'>
  readonly topics: GatewayTopics
  readonly publisher: Publisher
  readonly log: Log
  readonly voices: Pick<BoardVoices, 'served' | 'overMqtt'>
  readonly users: Pick<MqttUsers, 'list'>
  /** Boards that are reached over MQTT say themselves that they are there. */
  readonly links?: BoardLinks | undefined
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

  async start(port: Pick<BrokerPort, 'onMessage' | 'retained'>): Promise<void> {
    const { core, links, voices, topics, publisher } = this.#parts
    const { bus } = core
    const filters = shared.map(kind => `${topics.own}/+/${kind}`)
    // The gateway has said nothing yet: this is what boards have said in an earlier run.
    for (const { topic, payload } of port.retained(filters)) publisher.overhear(topic, payload.toString())
    links?.onSettled(boardId => {
      if (voices.served.has(boardId)) this.#touch(boardId)
    })
    const touch = ({ boardId }: { readonly boardId: string }) => this.#touch(boardId)
    this.#ends = [
      bus.on('board.up', touch),
      bus.on('board.down', touch),
      bus.on('board.quarantined', touch),
      bus.on('board.refused', touch),
      bus.on('board.trust', touch),
      bus.on('board.state', touch),
      bus.on('board.changed', touch),
      bus.on('board.forgotten', ({ boardId }) => void this.#forget(boardId)),
      ...filters.map(filter => port.onMessage(filter, message => this.#overhear(message))),
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
    const { voices, publisher, topics } = this.#parts
    await Promise.all(
      [...voices.served].map(id => publisher.retain(topics.board(id).availability, 'offline')),
    )
  }

  /** A board, or its will, has spoken. Whether it is there the gateway may know better, and then it has the last word. */
  #overhear({ who, topic, payload, retain }: BrokerMessage): void {
    if (!who?.boardId || !retain) return
    const { publisher, topics, voices } = this.#parts
    publisher.overhear(topic, payload.toString())
    const isPresence = topic === topics.board(who.boardId).availability
    if (isPresence && voices.served.has(who.boardId)) this.#touch(who.boardId)
  }

  #touch(boardId: string): void {
    this.#parts.voices.served.add(boardId)
    this.#changed.add(boardId)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  async #forget(boardId: string): Promise<void> {
    const { voices, publisher, topics } = this.#parts
    const { served, overMqtt } = voices
    this.#changed.delete(boardId)
    served.delete(boardId)
    overMqtt.delete(boardId)
    await this.#working
    // It may have come back meanwhile.
    if (served.has(boardId)) return
    const { info, state, availability } = topics.board(boardId)
    await Promise.all([info, state, availability].map(topic => publisher.retain(topic, undefined)))
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
    const { core, topics, publisher, voices, links } = this.#parts
    const { served, overMqtt } = voices
    served.add(board.id)
    if (this.#isOverMqtt(board)) overMqtt.add(board.id)
    else overMqtt.delete(board.id)
    // Not that of the view, since when it may have come or gone.
    const state = core.views.presence(boardId(board.id))
    // It speaks for itself, though it was once met as a board that does not.
    if (links?.speaksItself(board.id) === true && state === 'away') return
    const place = topics.board(board.id)
    const online = state === 'connected'
    const waits = !online && links?.isGreeting(board.id) === true
    // What a board has said itself since the gateway reached it is newer than what the gateway knows.
    const knowsLess = (topic: string) => state === 'away' && publisher.isOverheard(topic)
    await Promise.all([
      knowsLess(place.info) ? undefined : publisher.retain(place.info, infoOf(board)),
      board.status === null || knowsLess(place.state)
        ? undefined
        : publisher.retain(place.state, stateOf(board.status)),
      waits ? undefined : publisher.retain(place.availability, online ? 'online' : 'offline'),
    ])
  }

  /** It came over MQTT the last time, or has been given a credential since it was seen on a cable. */
  #isOverMqtt({ id, address, state, lastSeenAt }: BoardView): boolean {
    if (address.startsWith('mqtt:')) return true
    if (state !== 'away') return false
    const issued = this.#parts.users.list().filter(({ boardId }) => boardId === id)
    return issued.some(({ createdAt }) => Date.parse(createdAt) > Date.parse(lastSeenAt))
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
