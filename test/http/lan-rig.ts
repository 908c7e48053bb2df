import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Accounts } from '../../src/account/accounts.ts'
import { connectCache } from '../../src/app-cache.ts'
import { accountsVault } from '../../src/app-secrets.ts'
import { PortApprovals } from '../../src/board/port-approvals.ts'
import { AllowedHosts } from '../../src/http/access/allowed-hosts.ts'
import { LanAccess, type LanRules } from '../../src/http/access/lan-access.ts'
import { empty, type Operation, operation } from '../../src/http/api/operation.ts'
import { createHttp, type HttpOptions } from '../../src/http/create-http.ts'
import { httpServer } from '../../src/http/http-server.ts'
import { Incoming, largestFileBytes } from '../../src/http/incoming.ts'
import { listenOnSocket } from '../../src/http/listen-on-socket.ts'
import type { RequestOutcome } from '../../src/http/middleware/problems.ts'
import { authOperations } from '../../src/http/routes/auth.ts'
import { boardOperations } from '../../src/http/routes/boards.ts'
import { eventOperations } from '../../src/http/routes/events.ts'
import { fileOperations } from '../../src/http/routes/files.ts'
import { jobEventOperations } from '../../src/http/routes/job-events.ts'
import { jobOperations } from '../../src/http/routes/jobs.ts'
import { pairingOperations } from '../../src/http/routes/pairing.ts'
import { patternFileOperations } from '../../src/http/routes/pattern-files.ts'
import { patternOperations } from '../../src/http/routes/patterns.ts'
import { portOperations } from '../../src/http/routes/ports.ts'
import { secondFactorOperations } from '../../src/http/routes/second-factor.ts'
import { sessionOperations } from '../../src/http/routes/sessions.ts'
import { setupOperations } from '../../src/http/routes/setup.ts'
import { userOperations } from '../../src/http/routes/users.ts'
import { startLanServer } from '../../src/http/start-lan-server.ts'
import type { Tls } from '../../src/http/tls/load-tls.ts'
import { Bus } from '../../src/kernel/bus.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { BoardLog } from '../../src/upload/board-log.ts'
import { feedBoardLog } from '../../src/upload/board-log-feed.ts'
import { createCore, type GatewayCore } from '../../src/upload/gateway-core.ts'
import { Previews } from '../../src/upload/previews.ts'
import { ResumableFiles } from '../../src/upload/resumable/resumable-files.ts'
import { apiOf } from '../support/api-of.ts'

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
  readonly files: ResumableFiles
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
    rules?: LanRules
    strictTransport?: boolean
    /** Beside those of the rig. */
    operations?: readonly Operation[]
  } = {},
): Promise<LanRig> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-'))
  const clock = new VirtualClock()
  const lines: LanRig['lines'] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message })
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const store = await openStore(join(folder, 'gateway.db'))
  const sealer = accountsVault(folder)
  const accounts = new Accounts({ store, clock, log, sealer, scryptCost: { logN: 4, r: 1, p: 1 } })
  const core = createCore({ store, clock, log })
  const previews = new Previews({ store, book: core.book, states: core.states, clock })
  const incoming = await Incoming.open(join(folder, 'incoming'))
  const files = await ResumableFiles.open({
    ...{ store, clock, log, uploads: core.uploads, folder: join(folder, 'incoming', 'resumable') },
    maxBytes: largestFileBytes,
    inTurn: work => incoming.inTurn(work),
  })
  const health = operation({
    id: 'getHealth',
    method: 'get',
    path: '/health',
    tag: 'health',
    summary: 'Who asks',
    access: 'open',
    answers: { 200: empty('') },
    run: ({ principal }) => ({ name: principal?.name ?? null }),
  })
  const live = operation({
    id: 'isAlive',
    method: 'get',
    path: '/health/live',
    tag: 'health',
    summary: 'Whether it answers',
    access: 'open',
    answers: { 200: empty('') },
    run: () => ({ status: 'live' }),
  })
  const metrics = operation({
    id: 'getMetrics',
    method: 'get',
    path: '/metrics',
    tag: 'metrics',
    summary: 'Who asks, if it is somebody',
    access: 'viewer',
    answers: { 200: empty('') },
    run: ({ principal }) => ({ name: principal.name }),
  })
  const ports = {
    connections: { ports: async () => [], refresh: async () => undefined },
    approvals: new PortApprovals(store, clock),
  } as unknown as Parameters<typeof portOperations>[0]
  const outcomes: RequestOutcome[] = []
  const boardLog = new BoardLog({ store, clock, log })
  const endBoardLog = feedBoardLog(boardLog, core)
  const api = apiOf(
    boardOperations({ core, boardLog }),
    pairingOperations({ core, log, boardLog }),
    portOperations(ports),
    patternOperations({ core, incoming }),
    patternFileOperations({ core, previews, incoming }),
    fileOperations({ files }),
    jobOperations({ core }),
    jobEventOperations({ core }),
    eventOperations({ core }),
    setupOperations(accounts),
    authOperations(accounts),
    secondFactorOperations(accounts),
    sessionOperations(accounts),
    userOperations(accounts),
    [health, live, metrics],
    options.operations ?? [],
  )
  const buses = { gateway: core.bus, accounts: accounts.events, chat: new Bus(), alerts: new Bus() }
  const endCache = connectCache(api.cache, buses)
  const both: HttpOptions = { log, clock, api, onRequest: outcome => outcomes.push(outcome) }
  const access = new LanAccess(accounts, new AllowedHosts(options.hosts ?? [], clock), options.rules)
  const { panelDir } = options
  const lan = await startLanServer({
    config: { host: '127.0.0.1', port: 0 },
    listener: createHttp({ ...both, lan: access, ...(panelDir !== undefined && { panelDir }) }),
    tls: options.tls,
    ...(options.upgrade && { upgrade: options.upgrade }),
    ...(options.strictTransport && { strictTransport: true }),
  })
  const local = httpServer(createHttp(both))
  const socketPath = join(folder, 'control.sock')
  await listenOnSocket(local, socketPath)
  t.teardown(async () => {
    await files.close()
    await lan.close()
    local.close()
    local.closeAllConnections()
    await previews.close()
    endBoardLog()
    endCache()
    await boardLog.close()
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
    files,
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
    // Node frames no body of a DELETE by itself.
    ...(json !== undefined &&
      body !== undefined && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
      }),
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
