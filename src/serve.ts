import { resolve } from 'node:path'
import { type App, startApp } from './app.ts'
import type { ServeFlags, Surroundings } from './cli/command.ts'
import { loadConfig } from './config/load-config.ts'
import { serviceEnvironment } from './config/service-environment.ts'
import { systemClock } from './kernel/clock.ts'
import type { AppError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import { createLog } from './ops/log.ts'
import { createNotify, type Notify } from './ops/notify.ts'
import { feedPeriodMs, loopCheck, startWatchdog, type Watchdog } from './ops/watchdog.ts'

/** `pixelgate serve`: runs until the signal, or until nothing can be promised any more. */
export async function serve(
  { configFile, stateDir }: ServeFlags,
  { stdout, signal, env }: Surroundings,
): Promise<number> {
  const flags = { 'state-dir': stateDir === undefined ? undefined : resolve(stateDir) }
  const config = await loadConfig({ file: configFile, flags, ...(env && { env }) })
  const log = createLog(config.log.level)
  const { notifySocket, watchdogMs } = serviceEnvironment()
  const notify = createNotify({ notifySocket, clock: systemClock, log })
  let fatal: AppError | undefined
  const stopping = new AbortController()
  const onFatal = (error: AppError) => {
    fatal = error
    stopping.abort()
  }
  const app = await startApp(config, { log, onFatal })
  const http = app.http?.url ?? null
  stdout.write(
    `${JSON.stringify({ ready: true, controlSocket: config.controlSocket, http, mqtt: app.mqtt?.url ?? null })}\n`,
  )
  await tellClaimCode(app, log)
  await notify({ ready: true, status: http === null ? 'running without a panel' : `panel at ${http}` })
  const watchdog = watchdogMs === undefined ? undefined : watch(app, notify, log, watchdogMs)
  await aborted(AbortSignal.any([signal, stopping.signal]))
  watchdog?.stop()
  await notify({ stopping: true })
  await app.stop()
  if (fatal !== undefined) throw fatal
  return 0
}

/** On the console and in the journal, where only those who may administer the machine read it. */
async function tellClaimCode(app: App, log: Log): Promise<void> {
  const claimCode = await app.claimCode()
  if (claimCode === undefined) return
  log.warn(
    { claimCode, url: app.http?.url ?? null },
    'nobody has claimed this gateway yet: open the panel and enter the claim code',
  )
}

const watch = (app: App, notify: Notify, log: Log, watchdogMs: number): Watchdog =>
  startWatchdog({
    clock: systemClock,
    log,
    notify,
    periodMs: feedPeriodMs(watchdogMs),
    checks: [
      loopCheck(systemClock),
      { name: 'the database', run: () => app.store.settings.get('gatewayId') },
      { name: 'the broker', run: () => app.broker.ping() },
    ],
  })

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
