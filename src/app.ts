import { mkdir } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join, resolve } from 'node:path'
import { pino } from 'pino'
import { Connections } from './board/connections.ts'
import { PortApprovals } from './board/port-approvals.ts'
import type { ServeFlags, Surroundings } from './cli/command.ts'
import { loadConfig } from './config/load-config.ts'
import type { Config } from './config/resolve-config.ts'
import { createHttp } from './http/create-http.ts'
import { httpServer } from './http/http-server.ts'
import { listenOnSocket } from './http/listen-on-socket.ts'
import { boardRoutes } from './http/routes/boards.ts'
import { eventRoutes } from './http/routes/events.ts'
import { jobRoutes } from './http/routes/jobs.ts'
import { patternRoutes } from './http/routes/patterns.ts'
import { portRoutes } from './http/routes/ports.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import type { AppError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import { PortPoll, type PortWatch } from './link/discovery.ts'
import { openLink } from './link/link-settings.ts'
import { listPorts } from './link/list-ports.ts'
import { openStore } from './store/store.ts'
import { createCore, type GatewayCore } from './upload/gateway-core.ts'

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
  stop(): Promise<void>
}

/** Builds and starts the gateway. Rejects with an AppError when it cannot run; then nothing stays open. */
export async function startApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const { clock = systemClock, log = createLog(config.log.level), open = openLink } = overrides
  await mkdir(config.stateDir, { recursive: true, mode: 0o750 })
  const store = await openStore(join(config.stateDir, 'gateway.db'), {
    clock,
    ...(overrides.onFatal && { onFailure: overrides.onFatal }),
  })
  let server: Server | undefined
  try {
    const core = createCore({ store, clock, log })
    const approvals = new PortApprovals(store, clock)
    const configured = config.links.flatMap(link => (link.kind === 'serial' ? [link.path] : []))
    const connections = new Connections({
      links: config.links,
      discovery: config.discovery,
      approved: () => approvals.list(),
      watch: overrides.watch ?? new PortPoll({ clock, list: () => listPorts({ configured }) }),
      open: settings => open(settings, clock),
      clock,
      log,
      onSession: core.onSession,
    })
    const deps = { core, connections, approvals }
    const routes = [
      boardRoutes(deps),
      portRoutes(deps),
      patternRoutes(deps),
      jobRoutes(deps),
      eventRoutes(deps),
    ]
    const listening = httpServer(createHttp({ log, clock, routes }))
    server = listening
    await listenOnSocket(listening, config.controlSocket)
    await core.queue.start()
    connections.start()
    let stopping: Promise<void> | undefined
    const stop = async () => {
      await core.queue.close()
      await connections.stop()
      await closeServer(listening)
      await store.close()
    }
    return { core, connections, stop: () => (stopping ??= stop()) }
  } catch (thrown) {
    if (server?.listening === true) await closeServer(server)
    await store.close()
    throw thrown
  }
}

/** `pixelgate serve`: runs until the signal, or until nothing can be promised any more. */
export async function serve(
  { configFile, stateDir }: ServeFlags,
  { stdout, signal, env }: Surroundings,
): Promise<number> {
  const flags = { 'state-dir': stateDir === undefined ? undefined : resolve(stateDir) }
  const config = await loadConfig({ file: configFile, flags, ...(env && { env }) })
  let fatal: AppError | undefined
  const stopping = new AbortController()
  const onFatal = (error: AppError) => {
    fatal = error
    stopping.abort()
  }
  const app = await startApp(config, { log: createLog(config.log.level), onFatal })
  stdout.write(
    `${JSON.stringify({ ready: true, controlSocket: config.controlSocket, http: null, mqtt: null })}\n`,
  )
  await aborted(AbortSignal.any([signal, stopping.signal]))
  await app.stop()
  if (fatal !== undefined) throw fatal
  return 0
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** JSON lines on stderr, so that stdout stays for the ready line. */
function createLog(level: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  )
}

function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
