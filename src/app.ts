import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Accounts } from './account/accounts.ts'
import { MqttUsers } from './account/mqtt-users.ts'
import { createFaces } from './app-faces.ts'
import { startOperations } from './app-operations.ts'
import { startPins } from './app-pins.ts'
import { Connections } from './board/connections.ts'
import { PortApprovals } from './board/port-approvals.ts'
import { type Broker, startBroker } from './broker/start-broker.ts'
import { Chat } from './chat/chat.ts'
import { pairingKeyFile } from './config/pairing-key-file.ts'
import type { Config } from './config/resolve-config.ts'
import { gatewayId } from './gateway-id.ts'
import type { GpioControl } from './http/routes/gpio.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { Closers } from './kernel/closers.ts'
import { AppError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import { PortPoll, type PortWatch } from './link/discovery.ts'
import { openLink } from './link/link-settings.ts'
import { listPorts } from './link/list-ports.ts'
import { createLog } from './ops/log.ts'
import { openStore, type Store } from './store/store.ts'
import { createCore, type GatewayCore } from './upload/gateway-core.ts'
import { Previews } from './upload/previews.ts'
import { version } from './version.ts'
import { connectHub } from './ws/feed.ts'
import { LiveHub } from './ws/live-hub.ts'

/** What a test or a simulation puts in the place of the real thing. */
export interface Overrides {
  readonly clock?: Clock
  readonly log?: Log
  readonly open?: typeof openLink
  readonly watch?: PortWatch
  /** The database thread has died: nothing can be promised any more. */
  readonly onFatal?: (error: AppError) => void
}

export interface App {
  readonly core: GatewayCore
  readonly connections: Connections
  readonly store: Store
  readonly broker: Broker
  /** Where the panel and the API are; null: another program has the address that nobody asked for by name. */
  readonly http: { readonly url: string } | null
  /** The first MQTT listener; null: none is open. */
  readonly mqtt: { readonly url: string } | null
  /** What the first person needs to become admin; undefined once somebody is. */
  claimCode(): Promise<string | undefined>
  stop(): Promise<void>
}

/** Builds and starts the gateway. Rejects with an AppError when it cannot run; then nothing stays open. */
export async function startApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const { clock = systemClock, log = createLog(config.log.level), open = openLink } = overrides
  const closers = new Closers(log)
  try {
    return await start(config, { ...overrides, clock, log, open }, closers)
  } catch (thrown) {
    await closers.close()
    throw thrown
  }
}

type Given = Overrides & Required<Pick<Overrides, 'clock' | 'log' | 'open'>>

async function start(config: Config, { clock, log, open, ...given }: Given, closers: Closers): Promise<App> {
  const startedMs = clock.now()
  await mkdir(config.stateDir, { recursive: true, mode: 0o750 })
  const store = await openStore(join(config.stateDir, 'gateway.db'), {
    clock,
    ...(given.onFatal && { onFailure: given.onFatal }),
  })
  closers.add('database', () => store.close())

  let gpio: GpioControl | undefined
  const core = createCore({
    store,
    clock,
    log,
    keyFile: pairingKeyFile(config.stateDir),
    patternLimits: config.pattern,
    resetBoard: async boardId => (await gpio?.resetBoard(boardId)) ?? false,
  })
  const { connections, approvals } = connect(config, { clock, log, open, ...given }, store, core)
  closers.add('connections', () => connections.stop())
  closers.add('upload queue', () => core.queue.close())

  const accounts = new Accounts({ store, clock, log })
  const mqttUsers = await MqttUsers.open(store, clock)
  const { book, states, patterns } = core
  const previews = new Previews({ store, book, states, clock, patterns })

  let broker: Broker | undefined
  const hub = new LiveHub({ clock, log, version, authenticate: token => accounts.authenticate(token) })
  let missing: string | undefined
  const parts = { config, clock, log, closers, store, core, hub, broker: () => broker }
  const operations = await startOperations({ ...parts, missingListener: () => missing })
  const chat = new Chat({
    store,
    clock,
    log,
    tools: { core, clock, version, startedMs, health: () => operations.health.check() },
  })
  await chat.start()
  closers.add('chat', () => chat.stop())
  const feed = connectHub(hub, { core, chat, clock, log })
  closers.add('feed', () => feed.stop())
  closers.add('WebSocket hub', () => hub.stop())
  accounts.events.on('signIn.ended', ({ userId, signInId }) => hub.disconnectUser(userId, signInId))
  gpio = startPins(parts)

  /** What was asked for by name must be had; a default gives way to whoever was there first. */
  const listen = async <T>(isDefault: boolean, attempt: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await attempt()
    } catch (thrown) {
      if (!isDefault || !(thrown instanceof AppError) || thrown.code !== 'address_in_use') throw thrown
      log.warn({ reason: thrown.message }, 'goes on without a listener, since its address is taken')
      missing = thrown.message
      return undefined
    }
  }
  const id = await gatewayId(store)
  const { listeners, ...limits } = config.mqtt
  const brokerOn = (where: typeof listeners) =>
    startBroker({ listeners: where, gatewayId: id, core, users: mqttUsers, clock, log, version, limits })
  const ownListeners = config.origin.get('mqtt.listeners')?.layer !== 'default'
  broker = (await listen(!ownListeners, () => brokerOn(listeners))) ?? (await brokerOn([]))
  const { urls, stop: stopBroker } = broker
  closers.add('broker', stopBroker)

  const mqtt = { urls, gatewayId: id }
  const faces = await createFaces({
    ...parts,
    connections,
    approvals,
    accounts,
    mqttUsers,
    mqtt,
    chat,
    gpio,
    previews,
    operations,
  })
  await core.queue.start()
  await faces.openControlSocket()
  const ownPort = config.origin.get('http.port')?.layer !== 'default'
  const url = await listen(!ownPort, () => faces.openLan())
  connections.start()
  const [mqttUrl] = urls
  return {
    core,
    connections,
    store,
    broker,
    http: url === undefined ? null : { url },
    mqtt: mqttUrl === undefined ? null : { url: mqttUrl },
    claimCode: () => accounts.claimCode(),
    stop: () => closers.close(),
  }
}

function connect(config: Config, given: Given, store: Store, core: GatewayCore) {
  const { clock, log, open, watch } = given
  const approvals = new PortApprovals(store, clock)
  const configured = config.links.flatMap(link => (link.kind === 'serial' ? [link.path] : []))
  const connections = new Connections({
    links: config.links,
    discovery: config.discovery,
    approved: () => approvals.list(),
    watch: watch ?? new PortPoll({ clock, list: () => listPorts({ configured }) }),
    open: settings => open(settings, clock),
    clock,
    log,
    onSession: core.onSession,
  })
  return { connections, approvals }
}
