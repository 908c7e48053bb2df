import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Accounts } from './account/accounts.ts'
import type { MqttUsers } from './account/mqtt-users.ts'
import { documentedOperations } from './app-api.ts'
import { connectCache } from './app-cache.ts'
import { auditSuspicion, type Credentials } from './app-credentials.ts'
import type { Insight } from './app-insight.ts'
import { createLan, type Lan } from './app-lan.ts'
import type { Operations } from './app-operations.ts'
import type { NetworkState } from './app-system.ts'
import type { Connections } from './board/connections.ts'
import type { PortApprovals } from './board/port-approvals.ts'
import type { Broker } from './broker/start-broker.ts'
import type { Chat } from './chat/chat.ts'
import type { Config } from './config/resolve-config.ts'
import { upgradeListener } from './http/access/check-upgrade.ts'
import type { Operation } from './http/api/operation.ts'
import { PackedAnswers } from './http/api/packed-answers.ts'
import { ResponseCache } from './http/api/response-cache.ts'
import { apiPrefix, RouteTable } from './http/api/route-table.ts'
import { warmCache } from './http/api/warm-cache.ts'
import { createHttp, type HttpOptions } from './http/create-http.ts'
import { httpServer } from './http/http-server.ts'
import { Incoming, largestFileBytes } from './http/incoming.ts'
import { listenOnSocket } from './http/listen-on-socket.ts'
import type { GpioControl } from './http/routes/gpio.ts'
import type { Clock } from './kernel/clock.ts'
import type { Closers } from './kernel/closers.ts'
import type { Log } from './kernel/log.ts'
import type { Store } from './store/store.ts'
import type { BoardLog } from './upload/board-log.ts'
import type { GatewayCore } from './upload/gateway-core.ts'
import type { Previews } from './upload/previews.ts'
import { ResumableFiles } from './upload/resumable/resumable-files.ts'
import type { SerialBridgeView } from './wire/serial-bridge.ts'
import type { UpstreamView } from './wire/upstream.ts'
import type { LiveHub } from './ws/live-hub.ts'

export interface FaceParts {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
  readonly core: GatewayCore
  readonly store: Store
  readonly connections: Connections
  readonly approvals: PortApprovals
  readonly accounts: Accounts
  readonly mqttUsers: MqttUsers
  readonly mqtt: { readonly urls: readonly string[]; readonly gatewayId: string }
  readonly chat: Chat
  readonly hub: LiveHub
  readonly gpio: GpioControl
  readonly boardLog: BoardLog
  readonly previews: Previews
  readonly operations: Operations
  readonly credentials: Credentials
  readonly insight: Insight
  readonly startedMs: number
  readonly broker: () => Broker | undefined
  readonly bridges: () => readonly SerialBridgeView[]
  readonly upstream: () => readonly UpstreamView[]
}

/** What the routes ask of the faces that they are behind. */
export interface FaceState {
  readonly incoming: Incoming
  readonly files: ResumableFiles
  readonly network: () => NetworkState | undefined
  /** What clients of the broker have to trust; PEM. undefined: no authority of our own. */
  readonly authority: () => string | undefined
  readonly cache: ResponseCache
  readonly warm: () => Promise<number>
}

export interface Faces {
  readonly operations: readonly Operation[]
  /** Opens the control socket; rejects when another gateway has it. */
  openControlSocket(): Promise<void>
  /** Opens a listener of the broker with TLS. Rejects with `address_in_use` or `config_invalid`. */
  openMqtt: Lan['openMqtt']
  /** Listens for the LAN; resolves with the URL. Rejects with `address_in_use`. */
  openLan(): Promise<string>
}

/** The API with its two faces: the control socket, and HTTP with the panel and WebSockets for the LAN. */
export async function createFaces(parts: FaceParts): Promise<Faces> {
  const { config, clock, log, closers, store, accounts, hub, operations, insight, credentials } = parts
  const lan = createLan({ ...parts, accounts: credentials })
  let url: string | undefined
  const { incoming, files } = await openIncoming(parts)
  const cache = new ResponseCache()
  const packed = new PackedAnswers()
  const buses = {
    gateway: parts.core.bus,
    accounts: accounts.events,
    chat: parts.chat.bus,
    alerts: operations.alertEvents,
  }
  closers.add('answers in memory', connectCache(cache, buses))
  const face: FaceState = {
    ...{ cache, incoming, files },
    warm: () => warmCache({ table: api.table, cache, packed, clock }),
    authority: () => lan.authority(),
    network: () => (url === undefined ? undefined : { url, ...lan.tls() }),
  }
  const table: RouteTable = new RouteTable(
    documentedOperations(parts, face, {
      tags: () => new Set(table.operations.map(({ tag }) => tag)),
    }),
  )
  const api = {
    table,
    ...{ cache, packed },
    repeats: { requests: store.repeatableRequests, clock, runId: randomUUID() },
    audit: credentials.audit.record.bind(credentials.audit),
    lasting: credentials.lasting,
  }
  const onSuspicion = auditSuspicion(credentials.audit)
  const idOf = operationIds(api.table)
  const onRequest: HttpOptions['onRequest'] = outcome => {
    operations.observeRequest(outcome)
    const { route, method, status, durationMs } = outcome
    insight.profiler.record('http', idOf(method, route), durationMs, status >= 500)
  }
  const accept = hub.handleUpgrade.bind(hub)
  return {
    operations: api.table.operations,
    async openControlSocket() {
      const upgrade = upgradeListener(undefined, accept, hub)
      const server = httpServer(createHttp({ log, clock, api, onRequest, onSuspicion }), { upgrade })
      await listenOnSocket(server, config.controlSocket)
      closers.add('control socket', async () => {
        await hub.stop()
        const closed = new Promise<void>(resolve => void server.close(() => resolve()))
        server.closeAllConnections()
        await closed
      })
    },
    openMqtt: at => lan.openMqtt(at),
    async openLan() {
      url = await lan.open({ log, clock, api, onRequest, onSuspicion })
      return url
    },
  }
}

/** Names of the operations by method and template, for the profiler; what is none is called by its template. */
function operationIds({ operations }: RouteTable): (method: string, route: string) => string {
  const ids = new Map(
    operations.map(({ id, method, path }) => [`${method.toUpperCase()} ${apiPrefix}${path}`, id]),
  )
  return (method, route) =>
    ids.get(`${method} ${route}`) ?? (method === 'HEAD' ? ids.get(`GET ${route}`) : undefined) ?? route
}

/** Where files come in, in one piece or in many. */
async function openIncoming({ config, core, store, clock, log, closers }: FaceParts) {
  const folder = join(config.stateDir, 'incoming')
  const incoming = await Incoming.open(folder, 'resumable')
  const files = await ResumableFiles.open({
    ...{ store, clock, log, uploads: core.uploads, folder: join(folder, 'resumable') },
    maxBytes: Math.min(largestFileBytes, config.pattern.maxFileBytes),
    inTurn: work => incoming.inTurn(work),
  })
  closers.add('resumable uploads', () => files.close())
  return { incoming, files }
}
