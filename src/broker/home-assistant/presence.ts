import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { toError } from '../../kernel/errors.ts'
import { boardId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { RandomBytes } from '../../kernel/random.ts'
import type { Store } from '../../store/store.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { CommandResultView } from '../../wire/mqtt.ts'
import type { BrokerMessage, BrokerPort } from '../broker-port.ts'
import { entityTopic } from '../topics/topics.ts'
import { BirthReplay } from './birth-replay.ts'
import { boardDevice } from './board-device.ts'
import { type BoardEntry, type Heard, hear, isBoardId, newEntry, takeState } from './board-entry.ts'
import { isActive, lastUpload, lightState, updateState } from './board-states.ts'
import { configTopic, type DiscoveryPayload, deviceId, type GatewayFacts } from './discovery-payload.ts'
import { effectsOf } from './effects.ts'
import { EntityCommands } from './entity-commands.ts'
import { gatewayDevice } from './gateway-device.ts'
import { GatewayStats, statsOf } from './gateway-stats.ts'
import { withRemovals } from './with-removals.ts'

/** Of each board; measurements, of which there are many, are none of its business. */
const heard = ['info', 'state', 'availability', 'upload/+/status', 'light/set', 'update/set'] as const
/** Patterns are often renamed or removed in numbers. */
const relistMs = 2000

export interface PresenceParts extends GatewayFacts {
  /** The discovery prefix and the topic of the birth message. */
  readonly prefix: string
  readonly birthTopic: string
  readonly core: GatewayCore
  readonly store: Pick<Store, 'jobs'>
  readonly clock: Clock
  readonly random: RandomBytes
  readonly log: Log
  /** Whether a board has a credential of its own. */
  readonly hasCredential: (boardId: string) => boolean
  /** What was found last: ok, degraded or failing. */
  readonly health: () => string | undefined
  readonly onCommand?: ((who: MqttPrincipal, topic: string, result: CommandResultView) => void) | undefined
}

/**
 * The gateway and its boards as devices of Home Assistant. It lives on the documented topics, so it makes no difference how a board is
 * reached and who speaks for it.
 */
export class Presence {
  readonly #parts: PresenceParts
  readonly #port: BrokerPort
  readonly #boards = new Map<string, BoardEntry>()
  readonly #published = new Map<string, DiscoveryPayload>()
  readonly #listing = new Map<string, 'once' | 'again'>()
  readonly #counted = { online: new Set<string>(), running: new Set<string>(), clients: new Set<string>() }
  readonly #replay: BirthReplay
  readonly #stats: GatewayStats
  readonly #commands: EntityCommands
  #relist: Timer | undefined
  #ends: readonly (() => void)[] = []

  constructor(parts: PresenceParts, port: BrokerPort) {
    this.#parts = parts
    this.#port = port
    this.#replay = new BirthReplay(parts.clock, parts.random, () => this.#repeatAll())
    this.#stats = new GatewayStats(parts.clock, () => this.#tellStats())
    const { core, log, onCommand, hasCredential } = parts
    const { topics, publisher } = port
    this.#commands = new EntityCommands({
      ...{ core, topics, publisher, log, onCommand },
      board: id => this.#boards.get(id),
      answersItself: id => {
        if (!hasCredential(id) || core.registry.session(boardId(id)) !== undefined) return false
        const board = this.#boards.get(id)
        // One that the gateway has reached and reaches no more is there by its own words.
        return board?.served !== true || board.online
      },
      onDone: id => void publisher.repeat(topics.board(id).light.state),
    })
  }

  async start(): Promise<void> {
    const { core, birthTopic, gatewayId } = this.#parts
    const { topics } = this.#port
    const { clients } = this.#counted
    this.#ends = [
      ...heard.map(kind => this.#port.onMessage(`${topics.own}/+/${kind}`, message => this.#hear(message))),
      ...['light', 'update'].map(entity =>
        this.#port.onRefused(`${topics.own}/+/${entity}/set`, ({ topic, reason }) => {
          const told = entityTopic(gatewayId, topic)
          if (told !== undefined) void this.#commands.refuse(told, reason)
        }),
      ),
      this.#port.onMessage(birthTopic, ({ payload }) => this.#replay.hear(payload)),
      this.#port.onClient(({ type, clientId }) => {
        if (type === 'connected') clients.add(clientId)
        else clients.delete(clientId)
        this.#stats.changed()
      }),
      core.bus.on('board.up', ({ boardId }) => {
        this.#entry(boardId).served = true
      }),
      core.bus.on('pattern.changed', ({ what }) => {
        if (what !== 'kept') this.#relistSoon()
      }),
    ]
    // First, since the boards say that they are behind it.
    this.#discover(gatewayDevice(this.#parts, topics))
    for (const { id, status, state, ...info } of await core.views.list()) {
      const entry = this.#entry(id)
      entry.served = true
      entry.info ??= info
      entry.online = state === 'connected'
      if (status !== null) takeState(entry, status)
    }
    // A board that speaks for itself need not say again what it has said to an earlier run.
    for (const kind of heard)
      for (const { topic, payload } of this.#port.retained([`${topics.own}/+/${kind}`]))
        this.#learn(topic, Buffer.from(payload))
    for (const entry of this.#boards.values()) {
      this.#changed(entry)
      void this.#list(entry.id)
    }
    this.#tellStats()
    this.#stats.start()
  }

  stop(): void {
    for (const end of this.#ends) end()
    this.#replay.stop()
    this.#stats.stop()
    this.#relist?.cancel()
    // What is being listed comes too late.
    this.#boards.clear()
  }

  #hear({ who, topic, payload }: BrokerMessage): void {
    const told = entityTopic(this.#parts.gatewayId, topic)
    if (told !== undefined) {
      if (who !== undefined && isBoardId(told.boardId)) void this.#commands.handle(who, told, payload)
      return
    }
    const { entry, news } = this.#learn(topic, payload)
    if (entry === undefined || news === 'nothing') return
    if (news === 'gone') return this.#remove(entry.id)
    this.#changed(entry)
    if (news === 'list') void this.#list(entry.id)
  }

  /** Takes down what a topic says of a board; nothing is said of it yet. */
  #learn(topic: string, payload: Buffer): { readonly entry: BoardEntry | undefined; readonly news: Heard } {
    const [id = '', kind = '', ...rest] = topic.slice(this.#port.topics.own.length + 1).split('/')
    // A topic that is cleared makes nothing known.
    const introduces = isBoardId(id) && kind === 'info' && rest.length === 0 && payload.length > 0
    const entry = this.#boards.get(id) ?? (introduces ? this.#entry(id) : undefined)
    return { entry, news: entry === undefined ? 'nothing' : hear(entry, { kind, rest }, payload) }
  }

  #entry(id: string): BoardEntry {
    const entry = this.#boards.get(id) ?? newEntry(id)
    this.#boards.set(id, entry)
    return entry
  }

  /** Says all of a board; what has not changed is not published. */
  #changed(entry: BoardEntry): void {
    const { topics, publisher } = this.#port
    const { online, running } = this.#counted
    const { id, info, state, upload, effects } = entry
    const place = topics.board(id)
    if (info !== undefined) {
      const facts = { id, ...info, effects: effects.map(({ name }) => name) }
      this.#discover(boardDevice(this.#parts, facts, topics), id)
    }
    if (state !== undefined) void publisher.retain(place.light.state, lightState(state))
    void publisher.retain(place.update.state, updateState(state, upload))
    void publisher.retain(place.lastUpload, lastUpload(upload))
    if (entry.online) online.add(id)
    else online.delete(id)
    if (isActive(upload)) running.add(id)
    else running.delete(id)
    this.#stats.changed()
  }

  #discover(payload: DiscoveryPayload, boardId?: string): void {
    const { prefix, gatewayId } = this.#parts
    const topic = configTopic(prefix, deviceId(gatewayId, boardId))
    const before = this.#published.get(topic)
    const removals = before && withRemovals(before, payload)
    this.#published.set(topic, payload)
    if (removals !== undefined) void this.#port.publisher.retain(topic, removals)
    void this.#port.publisher.retain(topic, payload)
  }

  #remove(id: string): void {
    const { prefix, gatewayId } = this.#parts
    const { topics, publisher } = this.#port
    const { light, update, lastUpload: last } = topics.board(id)
    const config = configTopic(prefix, deviceId(gatewayId, id))
    this.#boards.delete(id)
    this.#published.delete(config)
    for (const topic of [config, light.state, update.state, last]) void publisher.retain(topic, undefined)
    for (const ids of [this.#counted.online, this.#counted.running]) ids.delete(id)
    this.#stats.changed()
  }

  /** Looks anew at what can be chosen; once more when it is asked for meanwhile. */
  async #list(id: string): Promise<void> {
    if (this.#listing.has(id)) {
      this.#listing.set(id, 'again')
      return
    }
    const { core, store, log } = this.#parts
    do {
      this.#listing.set(id, 'once')
      try {
        const effects = await effectsOf(core, store, id)
        const entry = this.#boards.get(id)
        if (entry !== undefined) {
          entry.effects = effects
          this.#changed(entry)
        }
      } catch (thrown) {
        const { message } = toError(thrown)
        log.warn(
          { boardId: id, reason: message },
          'the patterns of a board could not be listed for Home Assistant',
        )
      }
    } while (this.#listing.get(id) === 'again')
    this.#listing.delete(id)
  }

  #relistSoon(): void {
    this.#relist ??= this.#parts.clock.setTimer(relistMs, () => {
      this.#relist = undefined
      for (const id of this.#boards.keys()) void this.#list(id)
    })
  }

  #tellStats(): void {
    const stats = statsOf(this.#boards.size, this.#counted, this.#parts.health())
    void this.#port.publisher.retain(this.#port.topics.stats, stats)
  }

  /** Home Assistant has come and may have missed everything; states after what tells where they are. */
  #repeatAll(): void {
    const { topics, publisher } = this.#port
    const boards = [...this.#boards.keys()].map(id => topics.board(id))
    const states = boards.flatMap(({ availability, state, light, update, lastUpload: last }) => [
      ...[availability, state, light.state, update.state, last],
    ])
    for (const topic of [...this.#published.keys(), topics.status, topics.stats, ...states])
      void publisher.repeat(topic)
  }
}
