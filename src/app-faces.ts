import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Accounts } from './account/accounts.ts'
import type { MqttUsers } from './account/mqtt-users.ts'
import type { Operations } from './app-operations.ts'
import type { Connections } from './board/connections.ts'
import type { PortApprovals } from './board/port-approvals.ts'
import type { Broker } from './broker/start-broker.ts'
import type { Chat } from './chat/chat.ts'
import type { Config } from './config/resolve-config.ts'
import { AllowedHosts } from './http/access/allowed-hosts.ts'
import { upgradeListener } from './http/access/check-upgrade.ts'
import { LanAccess } from './http/access/lan-access.ts'
import { createHttp, type HttpOptions } from './http/create-http.ts'
import { httpServer } from './http/http-server.ts'
import { Incoming } from './http/incoming.ts'
import { listenOnSocket } from './http/listen-on-socket.ts'
import { authRoutes } from './http/routes/auth.ts'
import { backupRoutes } from './http/routes/backups.ts'
import { boardRoutes } from './http/routes/boards.ts'
import { eventRoutes } from './http/routes/events.ts'
import { type GpioControl, gpioRoutes } from './http/routes/gpio.ts'
import { healthRoutes } from './http/routes/health.ts'
import { jobRoutes } from './http/routes/jobs.ts'
import { metricsRoutes } from './http/routes/metrics.ts'
import { mqttUserRoutes } from './http/routes/mqtt-users.ts'
import { pairingRoutes } from './http/routes/pairing.ts'
import { patternFileRoutes } from './http/routes/pattern-files.ts'
import { patternRoutes } from './http/routes/patterns.ts'
import { portRoutes } from './http/routes/ports.ts'
import { roomRoutes } from './http/routes/rooms.ts'
import { setupRoutes } from './http/routes/setup.ts'
import { userRoutes } from './http/routes/users.ts'
import { startLanServer } from './http/start-lan-server.ts'
import { loadTls } from './http/tls/load-tls.ts'
import type { Clock } from './kernel/clock.ts'
import type { Closers } from './kernel/closers.ts'
import type { Log } from './kernel/log.ts'
import type { GatewayCore } from './upload/gateway-core.ts'
import type { Previews } from './upload/previews.ts'
import type { LiveHub } from './ws/live-hub.ts'

export interface FaceParts {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
  readonly core: GatewayCore
  readonly connections: Connections
  readonly approvals: PortApprovals
  readonly accounts: Accounts
  readonly mqttUsers: MqttUsers
  readonly mqtt: { readonly urls: readonly string[]; readonly gatewayId: string }
  readonly chat: Chat
  readonly hub: LiveHub
  readonly gpio: GpioControl
  readonly previews: Previews
  readonly operations: Operations
  readonly broker: () => Broker | undefined
}

export interface Faces {
  /** Opens the control socket; rejects when another gateway has it. */
  openControlSocket(): Promise<void>
  /** Listens for the LAN; resolves with the URL. Rejects with `address_in_use`. */
  openLan(): Promise<string>
}

/** Built by Vite beside the program, whether it runs from dist or from the sources. */
const builtPanel = fileURLToPath(new URL('../dist/panel', import.meta.url))

/** The API with its two faces: the control socket, and HTTP with the panel and WebSockets for the LAN. */
export async function createFaces(parts: FaceParts): Promise<Faces> {
  const { config, clock, log, closers, accounts, hub, operations } = parts
  const incoming = await Incoming.open(join(config.stateDir, 'incoming'))
  const routes = apiRoutes(parts, incoming)
  const onRequest: HttpOptions['onRequest'] = outcome => operations.metrics.observeRequest(outcome)
  const accept = hub.handleUpgrade.bind(hub)
  return {
    async openControlSocket() {
      const server = httpServer(createHttp({ log, clock, routes, onRequest }))
      server.on('upgrade', upgradeListener(undefined, accept))
      await listenOnSocket(server, config.controlSocket)
      closers.add('control socket', async () => {
        await hub.stop()
        const closed = new Promise<void>(resolve => void server.close(() => resolve()))
        server.closeAllConnections()
        await closed
      })
    },
    async openLan() {
      const lan = new LanAccess(accounts, new AllowedHosts(config.http.hosts, clock))
      const panelDir = existsSync(join(builtPanel, 'index.html')) ? builtPanel : null
      const tls = await loadTls(config.http, config.stateDir)
      const server = await startLanServer({
        config: config.http,
        listener: createHttp({ log, clock, routes, onRequest, lan, panelDir }),
        upgrade: upgradeListener(lan, accept),
        tls,
        renewal: { clock, log, load: () => loadTls(config.http, config.stateDir) },
      })
      closers.add('HTTP server', async () => {
        // A server that closes waits for its WebSockets, which only the hub can end.
        await hub.stop()
        await server.close()
      })
      log.info({ url: server.url, fingerprint: tls?.fingerprint ?? null }, 'the panel and the API are there')
      return server.url
    },
  }
}

function apiRoutes(parts: FaceParts, incoming: Incoming): NonNullable<HttpOptions['routes']> {
  const { core, connections, approvals, accounts, mqttUsers, mqtt, chat, gpio, previews, operations } = parts
  const deps = { core, connections, approvals }
  return [
    healthRoutes(operations.health),
    setupRoutes({ accounts }),
    authRoutes({ accounts }),
    userRoutes({ accounts }),
    mqttUserRoutes({ users: mqttUsers, core, mqtt }),
    boardRoutes(deps),
    pairingRoutes(parts),
    portRoutes(deps),
    patternRoutes({ core, incoming }),
    patternFileRoutes({ core, previews }),
    jobRoutes(deps),
    eventRoutes(deps),
    roomRoutes({ chat }),
    gpioRoutes({ core, gpio }),
    metricsRoutes(operations.metrics, operations.sampler),
    backupRoutes(operations.backups),
  ]
}
