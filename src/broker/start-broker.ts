import type { EventEmitter } from 'node:events'
import { Aedes } from 'aedes'
import type { MqttUsers } from '../account/mqtt-users.ts'
import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'
import type { GpioLineView } from '../wire/gpio.ts'
import type { GatewayInfoPayload } from '../wire/mqtt.ts'
import { BoardMirror } from './board-mirror.ts'
import { BrokerHooks } from './broker-hooks.ts'
import { type BrokerLimits, brokerLimits } from './broker-limits.ts'
import { BrokerStatus } from './broker-status.ts'
import { Commands } from './commands.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { GpioMirror } from './gpio-mirror.ts'
import type { GuardedStream } from './guarded-stream.ts'
import { JobMirror } from './job-mirror.ts'
import { listenTcp, type TcpListener } from './listen-tcp.ts'
import { Persistence } from './persistence.ts'
import { BrokerPing } from './ping.ts'
import { decide } from './policy.ts'
import { Publisher } from './publisher.ts'
import { RetainedMessages } from './retained-messages.ts'
import { Sessions } from './sessions.ts'
import { gatewayTopics } from './topics.ts'
import { Traffic } from './traffic.ts'

/** How long a frozen subscriber may hold up others: beyond it is dropped. */
const drainTimeoutMs = 1500
/** For the last words to reach those who listen. */
const farewellMs = 500
const closeTimeoutMs = 1000

export interface MqttListener {
  readonly host: string
  readonly port: number
  /** Clients without a user name may do what `control` may; for loopback only. */
  readonly anonymous: boolean
}

export interface BrokerOptions {
  readonly listeners: readonly MqttListener[]
  readonly gatewayId: string
  readonly core: GatewayCore
  readonly users: MqttUsers
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly limits?: Partial<BrokerLimits>
  /** Called for each message that a client sends or is sent. */
  readonly onTraffic?: (direction: 'in' | 'out') => void
}

export interface BrokerStats {
  readonly clients: number
  /** Those that are not let in yet as well. */
  readonly connections: number
  readonly messagesReceived: number
  readonly messagesSent: number
  /** Both directions, over the last ten seconds. */
  readonly messagesPerSecond: number
  readonly retained: number
  readonly retainedBytes: number
  readonly sessions: number
  readonly queuedBytes: number
  readonly droppedMessages: number
  readonly refusedConnections: number
  readonly violations: number
  readonly commandsRunning: number
}

export interface Broker {
  /** `mqtt://HOST:PORT` of each listener, in their order. */
  readonly urls: readonly string[]
  publishGpio(line: GpioLineView): void
  /** Milliseconds of a round trip through the broker; rejects with `daemon_failed`. */
  ping(): Promise<number>
  stats(): BrokerStats
  /** Says `offline`, then ends within 2 s. */
  stop(): Promise<void>
}

/** Rejects with `address_in_use` or `config_invalid`; then nothing is left open. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { gatewayId, core, users, clock, log, version, onTraffic = () => undefined } = options
  const limits = { ...brokerLimits, ...options.limits }
  const topics = gatewayTopics(gatewayId)
  const served = new Set<string>()
  const world = { gatewayId, serves: (boardId: string) => served.has(boardId) }
  const traffic = new Traffic(clock, onTraffic)
  const retained = new RetainedMessages()
  const bug = (thrown: unknown) =>
    log.error({ err: toError(thrown) }, 'an MQTT command met a fault of the program')
  const access: BrokerHooks = new BrokerHooks({
    users,
    world,
    clock,
    log,
    traffic,
    maxRefusalsPerMinute: limits.maxRefusalsPerMinute,
    replaying: clientId => sessions.queue(clientId)?.replaying === true,
    onLeft: clientId => sessions.queue(clientId)?.left(),
    onMessage: (who, topic, payload) => void commands.handle(who, topic, payload).catch(bug),
    onRefusedCommand: (topic, payload, reason) => void commands.refuse(topic, payload, reason).catch(bug),
  })
  const sessions: Sessions = new Sessions({
    clock,
    connected: clientId => access.connected(clientId),
    mayReceive: (who, topic) => decide(world, who, { type: 'receive', topic }).allowed,
  })
  const persistence = new Persistence({
    retained,
    sessions,
    log,
    principalOf: clientId => access.principalOf(clientId),
    maySubscribe: (who, filter) => decide(world, who, { type: 'subscribe', filter }).allowed,
  })
  const aedes = await Aedes.createBroker({
    id: `pixelgate-${gatewayId}`,
    persistence,
    drainTimeout: drainTimeoutMs,
    // The guard in front has a shorter deadline, smaller caps and better words.
    connectTimeout: 30_000,
    maxClientsIdLength: 1024,
    ...access.hooks,
  })
  const publisher = new Publisher(aedes, log)
  const commands = new Commands({
    core,
    clock,
    log,
    gatewayId,
    publisher,
    answersItself: boardId => !served.has(boardId) && users.hasBoard(boardId),
  })
  const doorkeeper = new Doorkeeper({
    ...limits,
    clock,
    log,
    onStream: stream => {
      stream.once('close', () => access.closed(stream))
      aedes.handle(stream)
    },
  })
  listen(aedes, access, log)
  const boards = new BoardMirror({ core, topics, publisher, log, served })
  const jobs = new JobMirror({ core, topics, publisher, clock })
  const gpio = new GpioMirror(topics, publisher)
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
    queuedBytes: sessions.sizeBytes,
    droppedMessages: sessions.dropped,
    refusedConnections: doorkeeper.refused,
    violations: doorkeeper.violations,
    commandsRunning: commands.running,
  })
  const status = new BrokerStatus(clock, publisher, stats)
  const endRevocation = users.onRevoked((name, change) => {
    for (const stream of doorkeeper.streams()) if (stream.principal?.name === name) stream.destroy()
    if (change === 'removed') sessions.endAllOf(name)
    log.info({ user: name }, `the MQTT credential was ${change}`)
  })

  const listeners: TcpListener[] = []
  const close = async () => {
    for (const listener of listeners) listener.close()
    endRevocation()
    status.stop()
    jobs.stop()
    const farewell = Promise.all([publisher.retain(topics.status, 'offline'), boards.stop()]).then(() =>
      flushed(clock, [...doorkeeper.streams()]),
    )
    await bounded(clock, farewellMs, farewell)
    await bounded(clock, closeTimeoutMs, new Promise<void>(resolve => aedes.close(() => resolve())))
    doorkeeper.closeAll()
  }
  try {
    await ping.start()
    const info: GatewayInfoPayload = {
      gatewayId,
      version,
      startedAt: new Date(clock.wallTime()).toISOString(),
    }
    await publisher.retain(topics.info, info)
    await boards.start()
    await jobs.start()
    await publisher.retain(topics.status, 'online')
    let ticks = 0
    status.start(version, () => {
      sessions.sweep()
      // A name or a size that a person has changed.
      if (++ticks % 3 === 0)
        boards
          .refresh()
          .catch((thrown: unknown) =>
            log.warn({ reason: toError(thrown).message }, 'the boards could not be shown over MQTT'),
          )
    })
    for (const { host, port, anonymous } of options.listeners)
      listeners.push(await listenTcp({ host, port }, socket => doorkeeper.take(socket, anonymous)))
  } catch (thrown) {
    await close()
    throw thrown
  }
  let stopping: Promise<void> | undefined
  return {
    urls: listeners.map(({ url }) => url),
    publishGpio: line => gpio.publish(line),
    ping: () => ping.ping(),
    stats,
    stop: () => (stopping ??= close()),
  }
}

/** Until what was written is with the kernel. */
async function flushed(clock: Clock, streams: readonly GuardedStream[]): Promise<void> {
  const turn = () => new Promise<void>(resolve => clock.setTimer(10, resolve))
  do await turn()
  while (streams.some(stream => !stream.destroyed && stream.writableLength > 0))
}

/** Waits for the work, but not for ever; what becomes of it does not matter any more. */
const bounded = (clock: Clock, timeoutMs: number, work: Promise<unknown>): Promise<unknown> =>
  withDeadline(clock, timeoutMs, work, 'daemon_failed', 'not in time').catch(() => undefined)

function listen(aedes: Aedes, access: BrokerHooks, log: Log): void {
  aedes.on('connackSent', ({ returnCode }, client) => {
    if (returnCode === 0) access.letIn(client)
  })
  aedes.on('clientReady', client => log.debug({ client: client.id }, 'an MQTT client is connected'))
  aedes.on('clientDisconnect', client => log.debug({ client: client.id }, 'an MQTT client has left'))
  aedes.on('unsubscribe', (filters, client) => access.unsubscribed(client, filters))
  for (const event of ['clientError', 'connectionError'] as const)
    aedes.on(event, (client, error) => log.debug({ client: client.id, reason: error.message }, 'MQTT client'))
  const emitter: EventEmitter = aedes
  emitter.on('error', (error: Error) => log.error({ err: error }, 'the MQTT broker met a fault'))
}
