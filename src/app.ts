import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Accounts } from './account/accounts.ts'
import { MqttUsers } from './account/mqtt-users.ts'
import { boardLinks, bridgedPaths, bridgedTopics, createBridges } from './app-bridges.ts'
import { tellOfAlerts } from './app-callbacks.ts'
import { auditMqttCommand, auditMqttDenial, auditTool, startCredentials } from './app-credentials.ts'
import { createFaces } from './app-faces.ts'
import { homeAssistantPart, homeAssistantTopics } from './app-home-assistant.ts'
import { createInsight, type Insight } from './app-insight.ts'
import { mqttBoards } from './app-mqtt-boards.ts'
import { startOperations } from './app-operations.ts'
import { startPins } from './app-pins.ts'
import { accountsVault } from './app-secrets.ts'
import { createUpstreams } from './app-upstream.ts'
import { Connections } from './board/connections.ts'
import { PortApprovals } from './board/port-approvals.ts'
import type { SerialBridges } from './bridge/serial-bridges.ts'
import { GpioCommands } from './broker/devices/gpio-commands.ts'
import { GpioMirror } from './broker/devices/gpio-mirror.ts'
import { type Broker, startBroker } from './broker/start-broker.ts'
import type { Upstreams } from './broker/upstream/upstreams.ts'
import { Chat } from './chat/chat.ts'
import { mqttListeners, openToNetwork } from './config/mqtt-listeners.ts'
import { pairingKeyFile } from './config/pairing-key-file.ts'
import type { Config } from './config/resolve-config.ts'
import { gatewayId } from './gateway-id.ts'
import type { Operation } from './http/api/operation.ts'
import type { GpioControl } from './http/routes/gpio.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { Closers } from './kernel/closers.ts'
import { AppError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import { PortPoll, type PortWatch } from './link/discovery.ts'
import { openLink } from './link/link-settings.ts'
import { listPorts } from './link/list-ports.ts'
import { measureAudit } from './ops/audit-metrics.ts'
import { measureBridges } from './ops/bridge-metrics.ts'
import { createLog } from './ops/log.ts'
import { openStore, type Store } from './store/store.ts'
import { BoardLog } from './upload/board-log.ts'
import { feedBoardLog } from './upload/board-log-feed.ts'
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
  readonly insight: Insight
  /** Everything that the API can do. */
  readonly operations: readonly Operation[]
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
  const insight = createInsight(clock, log)
  closers.add('profiler', () => insight.profiler.stop())
  const store = await openStore(join(config.stateDir, 'gateway.db'), {
    clock,
    ...insight.store,
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
  const boardLog = new BoardLog({ store, clock, log })
  const endBoardLog = feedBoardLog(boardLog, core)
  closers.add('log of boards', async () => {
    endBoardLog()
    await boardLog.close()
  })
  let bridges: SerialBridges | undefined
  const { connections, approvals } = connect(config, { clock, log, open, ...given }, store, core, path =>
    bridges?.trouble(path),
  )
  closers.add('connections', () => connections.stop())
  closers.add('upload queue', () => core.queue.close())

  const accounts = new Accounts({ store, clock, log, sealer: accountsVault(config.stateDir) })
  accounts.sessions.start()
  closers.add('sessions', () => accounts.sessions.stop())
  const mqttUsers = await MqttUsers.open(store, clock)
  const { book, states, patterns } = core
  const previews = new Previews({ store, book, states, clock, patterns })

  let broker: Broker | undefined
  let upstreams: Upstreams | undefined
  const hub: LiveHub = new LiveHub({
    clock,
    log,
    version,
    authenticate: token => credentials.authenticate(token),
    limits: { connectionsOfOne: config.http.maxLivePerPerson },
  })
  let missing: string | undefined
  const parts = {
    config,
    clock,
    log,
    closers,
    store,
    core,
    hub,
    accounts,
    insight,
    broker: () => broker,
    upstream: () => upstreams?.view() ?? [],
  }
  const credentials = await startCredentials({ ...parts, breakers: insight.breakers })
  const operations = await startOperations({ ...parts, missingListener: () => missing })
  measureAudit(operations.metrics.registry, () => credentials.audit.stats)
  closers.add('webhook alerts', tellOfAlerts(operations.alertEvents, credentials.webhooks))
  const chat = new Chat({
    store,
    clock,
    log,
    tools: {
      ...{ core, clock, version, startedMs, onUsed: auditTool(credentials.audit) },
      health: () => operations.health.check(),
    },
  })
  await chat.start()
  closers.add('chat', () => chat.stop())
  const feed = connectHub(hub, { core, chat, previews, clock, log })
  closers.add('feed', () => feed.stop())
  closers.add('WebSocket hub', () => hub.stop())
  const gpioMirror = new GpioMirror(() => gpio?.view().lines ?? [])
  gpio = startPins({ ...parts, mirror: gpioMirror })

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
  bridges = await createBridges(config, id, { clock, log, open: settings => open(settings, clock) })
  if (bridges !== undefined) measureBridges(operations.metrics.registry, () => bridges?.view() ?? [])
  upstreams = createUpstreams({ config, core, clock, log, closers, gatewayId: id })
  const onCommand = auditMqttCommand(credentials.audit)
  const mqttParts = [
    ...(bridges === undefined ? [] : [bridges]),
    ...(config.gpio.enabled ? [gpioMirror, new GpioCommands({ gpio, clock, log, onCommand })] : []),
    // Before what takes back what it said in an earlier run: a cleared topic goes up only as it is cleared.
    upstreams,
    homeAssistantPart(config, {
      ...{ core, store, clock, log, gatewayId: id, onCommand },
      hasCredential: boardId => mqttUsers.hasBoard(boardId),
      health: () => operations.health.last?.status,
    }),
  ]
  const { listeners: _, homeAssistant, upstream: _upstream, ...limits } = config.mqtt
  const { chosen, plain, secure } = mqttListeners(config)
  const running = await startBroker({
    listeners: [],
    gatewayId: id,
    core,
    users: mqttUsers,
    clock,
    log,
    version,
    limits,
    database: { path: join(config.stateDir, 'broker.db') },
    onCommand,
    onDenied: auditMqttDenial(credentials.audit, operations.authFailed),
    parts: mqttParts,
    serialTopics: bridgedTopics(config),
    homeAssistant: homeAssistantTopics(homeAssistant),
    boardLinks: mqttBoards({ core, clock, log }),
  })
  broker = running
  closers.add('broker', () => running.stop())
  for (const { host, port, anonymous } of plain)
    await listen(!chosen, () => running.listen({ host, port, anonymous }))
  for (const { host, port } of openToNetwork(plain))
    log.warn(
      { host, port },
      'this MQTT listener is plain and on the network: whoever is in it can read along; only boards and devices are let in there',
    )

  const mqtt = {
    gatewayId: id,
    get urls() {
      return running.urls
    },
  }
  const faces = await createFaces({
    ...parts,
    connections,
    approvals,
    accounts,
    mqttUsers,
    mqtt,
    chat,
    gpio,
    boardLog,
    previews,
    operations,
    credentials,
    startedMs,
    bridges: () => bridges?.view() ?? [],
  })
  await core.queue.start()
  await faces.openControlSocket()
  for (const at of secure) await listen(!chosen, () => faces.openMqtt(at))
  const ownPort = config.origin.get('http.port')?.layer !== 'default'
  const url = await listen(!ownPort, () => faces.openLan())
  connections.start()
  const [mqttUrl] = running.urls
  return {
    core,
    connections,
    store,
    insight,
    operations: faces.operations,
    broker: running,
    http: url === undefined ? null : { url },
    mqtt: mqttUrl === undefined ? null : { url: mqttUrl },
    claimCode: () => accounts.claimCode(),
    stop: () => closers.close(),
  }
}

function connect(
  config: Config,
  given: Given,
  store: Store,
  core: GatewayCore,
  bridgeTrouble: (path: string) => AppError | undefined,
) {
  const { clock, log, open, watch } = given
  const approvals = new PortApprovals(store, clock)
  const configured = config.links.flatMap(link => (link.kind === 'serial' ? [link.path] : []))
  const connections = new Connections({
    links: boardLinks(config),
    bridged: { paths: bridgedPaths(config), trouble: bridgeTrouble },
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
