import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Router } from '@koa/router'
import type { Test } from 'tap'
import { Accounts } from '../../src/account/accounts.ts'
import { PortApprovals } from '../../src/board/port-approvals.ts'
import { AllowedHosts } from '../../src/http/access/allowed-hosts.ts'
import { LanAccess } from '../../src/http/access/lan-access.ts'
import { createHttp, type HttpOptions } from '../../src/http/create-http.ts'
import { httpServer } from '../../src/http/http-server.ts'
import { Incoming } from '../../src/http/incoming.ts'
import { listenOnSocket } from '../../src/http/listen-on-socket.ts'
import type { RequestOutcome } from '../../src/http/middleware/problems.ts'
import { authRoutes } from '../../src/http/routes/auth.ts'
import { boardRoutes } from '../../src/http/routes/boards.ts'
import { eventRoutes } from '../../src/http/routes/events.ts'
import { jobRoutes } from '../../src/http/routes/jobs.ts'
import { pairingRoutes } from '../../src/http/routes/pairing.ts'
import { patternFileRoutes } from '../../src/http/routes/pattern-files.ts'
import { patternRoutes } from '../../src/http/routes/patterns.ts'
import { portRoutes } from '../../src/http/routes/ports.ts'
import { setupRoutes } from '../../src/http/routes/setup.ts'
import { userRoutes } from '../../src/http/routes/users.ts'
import { startLanServer } from '../../src/http/start-lan-server.ts'
import type { Tls } from '../../src/http/tls/load-tls.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createCore, type GatewayCore } from '../../src/upload/gateway-core.ts'
import { Previews } from '../../src/upload/previews.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly json: Record<string, unknown>
}

export interface Call {
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Uint8Array
  readonly json?: unknown
  readonly token?: string
  readonly ca?: string
}

export const password = 'marble otter canyon'

/** The whole API over a real database, on a port and on a control socket; the boards' side is empty. */
export interface LanRig {
  readonly folder: string
  readonly url: string
  readonly accounts: Accounts
  readonly access: LanAccess
  readonly clock: VirtualClock
  readonly store: Store
  readonly core: GatewayCore
  readonly incoming: Incoming
  readonly outcomes: RequestOutcome[]
  readonly lines: { level: string; fields: Record<string, unknown>; message: string }[]
  call(path: string, call?: Call): Promise<Answer>
  /** Over the control socket. */
  local(path: string, call?: Call): Promise<Answer>
  signIn(role: 'viewer' | 'operator' | 'admin'): Promise<string>
}

export async function lanRig(
  t: Test,
  options: {
    panelDir?: string | null
    tls?: Tls
    upgrade?: Parameters<typeof startLanServer>[0]['upgrade']
    hosts?: readonly string[]
  } = {},
): Promise<LanRig> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-'))
  const clock = new VirtualClock()
  const lines: LanRig['lines'] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message })
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const store = await openStore(join(folder, 'gateway.db'))
  const accounts = new Accounts({ store, clock, log, scryptCost: { logN: 4, r: 1, p: 1 } })
  const core = createCore({ store, clock, log })
  const previews = new Previews({ store, book: core.book, states: core.states, clock })
  const incoming = await Incoming.open(join(folder, 'incoming'))
  const health = new Router()
  health.get('/health/live', ctx => {
    ctx.body = { status: 'live' }
  })
  health.get(['/health', '/metrics'], ctx => {
    ctx.body = { name: ctx.state['principal']?.name ?? null }
  })
  const ports = {
    connections: { ports: async () => [], refresh: async () => undefined },
    approvals: new PortApprovals(store, clock),
  } as unknown as Parameters<typeof portRoutes>[0]
  const routes = [
    health,
    setupRoutes({ accounts }),
    authRoutes({ accounts }),
    userRoutes({ accounts }),
    boardRoutes({ ...ports, core }),
    pairingRoutes({ core, log }),
    portRoutes(ports),
    patternRoutes({ core, incoming }),
    patternFileRoutes({ core, previews }),
    jobRoutes({ ...ports, core }),
    eventRoutes({ ...ports, core }),
  ]
  const outcomes: RequestOutcome[] = []
  const both: HttpOptions = { log, clock, routes, onRequest: outcome => outcomes.push(outcome) }
  const access = new LanAccess(accounts, new AllowedHosts(options.hosts ?? [], clock))
  const { panelDir } = options
  const lan = await startLanServer({
    config: { host: '127.0.0.1', port: 0 },
    listener: createHttp({ ...both, lan: access, ...(panelDir !== undefined && { panelDir }) }),
    tls: options.tls,
    ...(options.upgrade && { upgrade: options.upgrade }),
  })
  const local = httpServer(createHttp(both))
  const socketPath = join(folder, 'control.sock')
  await listenOnSocket(local, socketPath)
  t.teardown(async () => {
    await lan.close()
    local.close()
    local.closeAllConnections()
    await previews.close()
    await store.close()
    await rm(folder, { recursive: true })
  })
  const call = (path: string, call: Call = {}) => send(new URL(lan.url), path, call)
  return {
    folder,
    url: lan.url,
    accounts,
    access,
    clock,
    store,
    core,
    incoming,
    outcomes,
    lines,
    call,
    local: (path, call = {}) => send({ socketPath }, path, call),
    signIn: async role => {
      await accounts.addUser({ name: role, password, role }).catch(() => undefined)
      const caller = { address: '127.0.0.1', agent: '' }
      return (await accounts.signIn({ name: role, password }, caller)).token
    },
  }
}

async function send(to: URL | { socketPath: string }, path: string, call: Call): Promise<Answer> {
  const { method = 'GET', headers = {}, json, token, ca } = call
  const body = json === undefined ? call.body : JSON.stringify(json)
  const all = {
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...headers,
  }
  const where = to instanceof URL ? { hostname: to.hostname, port: to.port } : to
  const secure = to instanceof URL && to.protocol === 'https:'
  const options = { ...where, path, method, headers: all, agent: false as const }
  const outgoing = secure ? httpsRequest({ ...options, ca }) : httpRequest(options)
  outgoing.end(body)
  const [incoming] = await once(outgoing, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const isJson =
    /json\b/.test(incoming.headers['content-type'] ?? '') && !incoming.headers['content-encoding']
  return {
    status: incoming.statusCode,
    headers: incoming.headers,
    bytes,
    json: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : {},
  }
}
