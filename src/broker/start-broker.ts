import type { EventEmitter } from 'node:events'
import { Aedes } from 'aedes'
import type { MqttPrincipal, MqttUsers } from '../account/mqtt-users.ts'
import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { BrokerDatabase } from '../store/broker/broker-database.ts'
import type { BrokerFile } from '../store/broker/broker-writer.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'
import type { CommandResultView, GatewayInfoPayload } from '../wire/mqtt.ts'
import { BrokerHooks } from './broker-hooks.ts'
import { type BrokerLimits, brokerLimits } from './broker-limits.ts'
import { type BrokerPart, InnerListeners } from './broker-port.ts'
import type { BrokerStats } from './broker-stats.ts'
import { BrokerStatus } from './broker-status.ts'
import type { GuardedStream } from './connection/guarded-stream.ts'
import type { MessageBroker } from './connection/incoming.ts'
import type { BoardLinks } from './devices/board-links.ts'
import { BoardMirror } from './devices/board-mirror.ts'
import { BoardTelemetry } from './devices/board-telemetry.ts'
import { BoardVoices } from './devices/board-voices.ts'
import { Commands } from './devices/commands.ts'
import { JobMirror } from './devices/job-mirror.ts'
import { JobOffers } from './devices/job-offers.ts'
import { Doorkeeper } from './door/doorkeeper.ts'
import { Listeners, type MqttListener } from './door/listeners.ts'
import { keepLatestClients } from './latest-clients.ts'
import { BrokerMemory } from './memory/broker-memory.ts'
import { PacketCounts } from './packets/packet-counts.ts'
import { BrokerPing } from './ping.ts'
import { decide, type PolicyWorld } from './policy.ts'
import { Publisher } from './publisher.ts'
import type { Denial } from './refusals.ts'
import { RetainedReplay } from './retained-replay.ts'
import { Spokesman } from './spokesman.ts'
import { statusCounts } from './status-counts.ts'
import { TopicEmitter } from './topics/topic-emitter.ts'
import { commandFilters, gatewayTopics, isFrameTopic } from './topics/topics.ts'
import { Traffic } from './traffic.ts'

/** How long a frozen subscriber may hold up others: beyond it is dropped. */
const drainTimeoutMs = 1500
/** For the last words to reach those who listen. */
const farewellMs = 500
const closeTimeoutMs = 1000
/** In SUBACK [MQTT-3.9.3-2]. */
const refusedQos = 0x80

export interface BrokerOptions {
  readonly listeners: readonly MqttListener[]
  readonly gatewayId: string
  readonly core: GatewayCore
  readonly users: MqttUsers
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly limits?: Partial<BrokerLimits>
  /** broker.db, where what has to outlast the gateway is kept; without one nothing does. */
  readonly database?: BrokerFile
  /** Boards that are reached over this broker. */
  readonly boardLinks?: BoardLinks
  /** What else lives on the broker's topics. */
  readonly parts?: readonly BrokerPart[]
  /** Topics of serial bridges outside of `pixelgate/`. */
  readonly serialTopics?: readonly string[]
  /** Where Home Assistant finds devices, and says that it is there. */
  readonly homeAssistant?: Pick<PolicyWorld, 'discoveryPrefix' | 'birthTopic'>
  /** Called for each message that a client sends or is sent. */
  readonly onTraffic?: (direction: 'in' | 'out') => void
  /** Called for each client that was not let in, up to 20 a minute and address, or was cut off for a flood. */
  readonly onDenied?: (denial: Denial) => void
  /** Called for each command that was carried out. */
  readonly onCommand?: (who: MqttPrincipal, topic: string, result: CommandResultView) => void
}

export interface Broker extends Pick<Listeners, 'listen' | 'acceptWebSocket'> {
  /** `mqtt://HOST:PORT` or `mqtts://HOST:PORT` of each listener, in the order in which they were opened. */
  readonly urls: readonly string[]
  /** Milliseconds of a round trip through the broker; rejects with `daemon_failed`. */
  ping(): Promise<number>
  stats(): BrokerStats
  /** What is wrong with broker.db, and what to do; undefined: nothing. */
  storageFault(): string | undefined
  /** Says `offline`, then ends within 2 s. */
  stop(): Promise<void>
}

/** Rejects with `address_in_use` or `config_invalid`; then nothing is left open. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { gatewayId, core, users, clock, log, version, onTraffic } = options
  const limits = { ...brokerLimits, ...options.limits }
  const topics = gatewayTopics(gatewayId)
  const { boardLinks, serialTopics = [] } = options
  const voices = new BoardVoices(core.registry, users, boardLinks)
  const world: PolicyWorld = { gatewayId, serialTopics, ...voices.policy, ...options.homeAssistant }
  const traffic = new Traffic(clock, onTraffic)
  const counts = new PacketCounts()
  const memory: BrokerMemory = new BrokerMemory({
    storage: options.database && openDatabase(options.database, clock, log),
    clock,
    log,
    limits,
    connected: clientId => access.connected(clientId),
    // Frames are worth nothing later.
    keeps: topic => !isFrameTopic(topic),
    // What waits is judged by the rights of now, not by those of the time when it was asked for.
    mayReceive: (who, topic) =>
      decide(world, users.current(who.name) ?? who, { type: 'receive', topic }).allowed,
    maySubscribe: (who, filter) => decide(world, who, { type: 'subscribe', filter }).allowed,
    principalOf: clientId => access.principalOf(clientId),
  })
  const { sessions, retained, persistence } = memory
  const inner = new InnerListeners()
  const emitter = new TopicEmitter<GuardedStream>((stream, delivery) => access.receive(stream, delivery))
  const bug = (thrown: unknown) =>
    log.error({ err: toError(thrown) }, 'an MQTT command met a fault of the program')
  const spokesman = new Spokesman({
    publish: (packet, done) => aedes.publish(packet, done),
    decide: (who, act) => decide(world, who, act),
    refuse: (topic, payload, reason) => void commands.refuse(topic, payload, reason).catch(bug),
  })
  const access: BrokerHooks = new BrokerHooks({
    users,
    world,
    clock,
    log,
    traffic,
    emitter,
    maxRefusalsPerMinute: limits.maxRefusalsPerMinute,
    hasSession: clientId => sessions.idOf(clientId) !== undefined,
    knows: clientId => memory.knows(clientId),
    replaying: clientId => sessions.queue(clientId)?.replaying === true,
    onClient: event => {
      status.noteClients(access.count)
      inner.client(event)
    },
    onClosed: clientId => sessions.left(clientId),
    accept: (accepting, settle) => persistence.accept(accepting, settle),
    idToSend: (clientId, packet) => persistence.idToSend(clientId, packet),
    onSubscribed: event => inner.subscribed(event),
    onAccepting: message => inner.accepting(message),
    onPublished: message => inner.published(spokesman.named(message)),
    onDenied: options.onDenied,
    onRefusedCommand: (topic, payload, reason) => {
      void commands.refuse(topic, payload, reason).catch(bug)
      inner.refused({ topic, payload, reason })
    },
  })
  await memory.load(principal => isKnown(users, principal))
  const aedes = await Aedes.createBroker({
    id: `pixelgate-${gatewayId}`,
    persistence,
    mq: emitter,
    drainTimeout: drainTimeoutMs,
    // The guard in front has a shorter deadline, smaller caps and better words.
    connectTimeout: 30_000,
    maxClientsIdLength: 1024,
    ...access.hooks,
  })
  keepLatestClients(aedes)
  const replay = new RetainedReplay({
    retained,
    forward: (client, packet) => access.hooks.authorizeForward(client, packet) ?? null,
  })
  persistence.retainedGoPastAedes = true
  aedes.on('subscribe', (filters, client) => {
    const granted = filters.filter(({ qos }) => (qos as number) !== refusedQos)
    replay.subscribed(
      client,
      granted.map(({ topic }) => topic),
    )
  })
  const publisher = new Publisher(aedes, log)
  const port = inner.port({
    ...{ topics, publisher },
    retained: filters => retained.matching(filters),
    publishFor: (who, message) => spokesman.publish(who, message),
  })
  const parts: readonly BrokerPart[] = [...(boardLinks ? [boardLinks] : []), ...(options.parts ?? [])]
  const commands = new Commands({
    core,
    clock,
    log,
    gatewayId,
    publisher,
    onCommand: options.onCommand,
    answersItself: id => voices.answersItself(id),
  })
  const doorkeeper = new Doorkeeper({
    ...limits,
    clock,
    log,
    counts,
    onStream: stream => {
      stream.once('close', () => access.closed(stream))
      aedes.handle(stream)
    },
  })
  listen(aedes, access, log)
  for (const filter of commandFilters(gatewayId))
    port.onMessage(filter, ({ who, topic, payload }) => {
      if (who !== undefined) void commands.handle(who, topic, payload).catch(bug)
    })
  const boards = new BoardMirror({ core, topics, publisher, log, voices, users, links: boardLinks })
  const jobs = new JobMirror({ core, topics, publisher, clock })
  const offers = new JobOffers({ core, topics, publisher, log })
  const telemetry = new BoardTelemetry({ core, topics, publisher, clock })
  const ping = new BrokerPing(aedes, clock)
  const stats = (): BrokerStats => ({
    clients: access.count,
    connections: doorkeeper.count,
    messagesReceived: traffic.received,
    messagesSent: traffic.sent,
    messagesPerSecond: traffic.perSecond,
    retained: retained.count,
    retainedBytes: retained.sizeBytes,
    sessions: sessions.count,
    ...memory.stats(),
    refusedConnections: doorkeeper.refused,
    violations: doorkeeper.violations,
    commandsRunning: commands.running,
  })
  let sessionsExpired = 0
  const counted = () => statusCounts({ stats: stats(), sessions, sessionsExpired, access, counts, traffic })
  const status: BrokerStatus = new BrokerStatus(clock, publisher, counted)
  const endRevocation = users.onRevoked((name, change) => {
    for (const stream of doorkeeper.streams()) {
      if (stream.principal?.name !== name) continue
      // As what it was; its will is judged by what it may do now.
      access.closed(stream)
      stream.principal = users.current(name) ?? { name, access: 'device', boardId: null }
      stream.destroy()
    }
    if (change === 'removed') {
      sessions.endAllOf(name)
      for (const topic of retained.ownedBy(name)) void publisher.clear(topic)
    }
    log.info({ user: name }, `the MQTT credential was ${change}`)
  })

  const listeners = new Listeners(doorkeeper, limits)
  const close = async () => {
    listeners.close()
    endRevocation()
    status.stop()
    offers.stop()
    telemetry.stop()
    const lastWords = [publisher.retain(topics.status, 'offline'), boards.stop(), jobs.stop()]
    const farewell = Promise.all([...lastWords, ...parts.map(part => part.stop())]).then(() =>
      flushed(clock, [...doorkeeper.streams()]),
    )
    await bounded(clock, farewellMs, farewell)
    await bounded(clock, closeTimeoutMs, new Promise<void>(resolve => aedes.close(() => resolve())))
    doorkeeper.closeAll()
    await bounded(clock, closeTimeoutMs, memory.stop())
  }
  try {
    await ping.start()
    const info: GatewayInfoPayload = {
      gatewayId,
      version,
      startedAt: new Date(clock.wallTime()).toISOString(),
    }
    await publisher.retain(topics.info, info)
    await boards.start(port)
    await jobs.start()
    await offers.start()
    telemetry.start()
    for (const part of parts) await part.start(port)
    await publisher.retain(topics.status, 'online')
    memory.sendOrphanedWills(({ clientId, principal, topic, qos, payload }) => {
      const packet = { cmd: 'publish' as const, topic, qos, payload, retain: true, dup: false }
      const who = isKnown(users, principal) ? (users.current(principal.name) ?? principal) : undefined
      if (!decide(world, who, { type: 'publish', topic, retain: true }).allowed) return
      persistence.accept({ client: { id: clientId, clean: true }, who: principal, packet }, fault => {
        if (!fault) aedes.publish(packet, () => undefined)
      })
    })
    let ticks = 0
    status.start(version, () => {
      const before = sessions.count
      sessions.sweep()
      sessionsExpired += before - sessions.count
      // A name or a size that a person has changed.
      if (++ticks % 3 === 0)
        boards
          .refresh()
          .catch((thrown: unknown) =>
            log.warn({ reason: toError(thrown).message }, 'the boards could not be shown over MQTT'),
          )
    })
    for (const listener of options.listeners) await listeners.listen(listener)
  } catch (thrown) {
    await close()
    throw thrown
  }
  let stopping: Promise<void> | undefined
  return {
    get urls() {
      return listeners.urls
    },
    listen: listener => listeners.listen(listener),
    acceptWebSocket: (...upgrade) => listeners.acceptWebSocket(...upgrade),
    ping: () => ping.ping(),
    stats,
    storageFault: () => memory.fault(),
    stop: () => (stopping ??= close()),
  }
}

const openDatabase = (file: BrokerFile, clock: Clock, log: Log): BrokerDatabase =>
  new BrokerDatabase({
    ...file,
    clock,
    onSetAside: reason =>
      log.error({ path: file.path, reason }, 'broker.db was moved aside, and a new one begun'),
    onCloseFailed: thrown =>
      log.warn({ path: file.path, reason: toError(thrown).message }, 'broker.db could not be closed cleanly'),
  })

/** Anybody on this machine, or somebody who has a credential still. */
const isKnown = (users: MqttUsers, { name, access, boardId }: MqttPrincipal): boolean =>
  access === 'anonymous' || users.current(name)?.boardId === boardId

/** Until what was written is with the kernel. */
async function flushed(clock: Clock, streams: readonly GuardedStream[]): Promise<void> {
  const turn = () => new Promise<void>(resolve => clock.setTimer(10, resolve))
  do await turn()
  while (streams.some(stream => !stream.destroyed && stream.waitingBytes > 0))
}

/** Waits for the work, but not for ever; what becomes of it does not matter any more. */
const bounded = (clock: Clock, timeoutMs: number, work: Promise<unknown>): Promise<unknown> =>
  withDeadline(clock, timeoutMs, work, 'daemon_failed', 'not in time').catch(() => undefined)

function listen(aedes: Aedes, access: BrokerHooks, log: Log): void {
  aedes.on('connackSent', ({ returnCode }, client) => {
    if (returnCode === 0) access.letIn(client, aedes as unknown as MessageBroker)
  })
  aedes.on('clientReady', client => log.debug({ client: client.id }, 'an MQTT client is connected'))
  aedes.on('clientDisconnect', client => log.debug({ client: client.id }, 'an MQTT client has left'))
  aedes.on('subscribe', (_filters, client) => access.subscribed(client))
  aedes.on('unsubscribe', (filters, client) => access.unsubscribed(client, filters))
  for (const event of ['clientError', 'connectionError'] as const)
    aedes.on(event, (client, error) => log.debug({ client: client.id, reason: error.message }, 'MQTT client'))
  const emitter: EventEmitter = aedes
  emitter.on('error', (error: Error) => log.error({ err: error }, 'the MQTT broker met a fault'))
}
