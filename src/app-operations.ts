import type { Accounts } from './account/accounts.ts'
import { startAlerts } from './app-alerts.ts'
import type { Insight } from './app-insight.ts'
import type { Broker } from './broker/start-broker.ts'
import type { Config } from './config/resolve-config.ts'
import type { Bus } from './kernel/bus.ts'
import type { Clock } from './kernel/clock.ts'
import type { Closers } from './kernel/closers.ts'
import type { Log } from './kernel/log.ts'
import type { AlertEvents, Alerts } from './ops/alerts.ts'
import { GatewayMeter } from './ops/gateway-meter.ts'
import { Health } from './ops/health.ts'
import {
  backupCheck,
  brokerCheck,
  clockCheck,
  databaseCheck,
  diskCheck,
  eventLoopCheck,
  linksCheck,
  memoryCheck,
  poolCheck,
  upstreamCheck,
} from './ops/health-checks.ts'
import { liveMetrics } from './ops/live-metrics.ts'
import { Metrics, type MetricsSources } from './ops/metrics.ts'
import { MetricsHistory } from './ops/metrics-history.ts'
import { MetricsSampler } from './ops/metrics-sampler.ts'
import { mqttMemoryMetrics } from './ops/mqtt-memory-metrics.ts'
import { NightlyBackup } from './ops/nightly-backup.ts'
import { ProcessMeter } from './ops/process-meter.ts'
import type { HttpObservation } from './ops/request-metrics.ts'
import { StorageMetrics } from './ops/storage-metrics.ts'
import { SystemWatcher } from './ops/system-readings.ts'
import { watchUploadPhases } from './ops/upload-phases.ts'
import { measureUpstream } from './ops/upstream-metrics.ts'
import { Backups, databaseIn } from './store/backups.ts'
import { maxPendingBytes, maxPendingCalls, type Store } from './store/store.ts'
import type { GatewayCore } from './upload/gateway-core.ts'
import { maxUnfinishedJobs } from './upload/upload-queue.ts'
import { version } from './version.ts'
import type { UpstreamView } from './wire/upstream.ts'
import type { LiveHub } from './ws/live-hub.ts'
import { liveLimits } from './ws/live-limits.ts'

export interface OperationsParts {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
  readonly store: Store
  readonly core: GatewayCore
  readonly hub: LiveHub
  readonly accounts: Pick<Accounts, 'events'>
  readonly insight: Insight
  /** undefined while it is not there yet. */
  readonly broker: () => Broker | undefined
  /** Brokers to which the gateway dials out. */
  readonly upstream: () => readonly UpstreamView[]
  /** What the configuration asked for and could not be had; undefined: nothing. */
  readonly missingListener: () => string | undefined
}

export interface Operations {
  readonly metrics: Metrics
  readonly sources: MetricsSources
  readonly sampler: MetricsSampler
  readonly history: MetricsHistory
  readonly watcher: SystemWatcher
  readonly alerts: Alerts
  readonly alertEvents: Bus<AlertEvents>
  /** Of each request that was answered, for what counts and judges them. */
  readonly observeRequest: (outcome: HttpObservation) => void
  /** Of each wrong secret that was shown elsewhere than over HTTP. */
  readonly authFailed: () => void
  readonly health: Health
  readonly backups: Backups
}

/** Metrics, health and backups over the parts of the gateway; the parts know nothing of them. */
export async function startOperations(parts: OperationsParts): Promise<Operations> {
  const { config, clock, log, closers, store, core, hub, insight } = parts
  const { stateDir, backup, links } = config
  const boards = new GatewayMeter()
  closers.add('meter', boards.watch(core.bus))
  for (const { id } of await core.book.list()) boards.know(id)
  for (const job of await store.jobs.unfinished()) boards.job(job)

  const sources: MetricsSources = {
    boards: () => boards.read(),
    mqtt: () => {
      const stats = parts.broker()?.stats()
      const { clients = 0, messagesReceived = 0, messagesSent = 0 } = stats ?? {}
      return { clients, messagesIn: messagesReceived, messagesOut: messagesSent }
    },
    webSocketClients: () => hub.stats().clients,
    store: () => store.pending,
    queues: () => [
      { name: 'storage_calls', size: store.pending.calls, limit: maxPendingCalls },
      { name: 'storage_bytes', size: store.pending.sizeBytes, limit: maxPendingBytes },
      { name: 'storage_reads', size: store.readers.pendingCalls, limit: store.readers.maxPendingCalls },
      { name: 'unfinished_jobs', size: core.queue.size, limit: maxUnfinishedJobs },
      { name: 'websocket_clients', size: hub.stats().clients, limit: liveLimits.connections },
      { name: 'websocket_bytes', size: hub.stats().bufferedBytes, limit: liveLimits.totalBufferedBytes },
      {
        name: 'mqtt_connections',
        size: parts.broker()?.stats().connections ?? 0,
        limit: config.mqtt.maxClients,
      },
      // Of everybody's quota and of each user's the fullest one.
      { name: 'mqtt_offline', size: parts.broker()?.stats().queuedShare ?? 0, limit: 1 },
      { name: 'mqtt_retained', size: parts.broker()?.stats().retainedShare ?? 0, limit: 1 },
      ...parts.upstream().map(({ name, outbox }) => ({
        name: `mqtt_outbox_${name}`,
        size: outbox.bytes,
        limit: outbox.maxBytes,
      })),
    ],
    health: () => health.last,
  }
  const meter = new ProcessMeter()
  const metrics = new Metrics(sources, meter, version)
  mqttMemoryMetrics(metrics.registry, () => parts.broker()?.stats())
  const storageMetrics = new StorageMetrics(metrics.registry, () => store.readers)
  insight.onCall(call => storageMetrics.observe(call))
  measureUpstream(metrics.registry, parts.upstream)
  hub.onPong(liveMetrics(metrics.registry, () => hub.stats()))
  const sampler = new MetricsSampler({ clock, sources, metrics, meter })
  const history = new MetricsHistory({ clock, log, sampler, store: store.metricsMinutes })
  const watcher = new SystemWatcher({ clock, stateDir, database: databaseIn(stateDir) })
  const { profiler } = insight
  const tellPhase = (phase: string, ms: number, failed: boolean) =>
    profiler.record('upload', phase, ms, failed)
  closers.add('upload phases', watchUploadPhases(core.bus, clock, tellPhase))
  const backups = new Backups({ stateDir, clock, keep: backup.keep })
  const nightly = new NightlyBackup({ backups, clock, log, nightly: backup.nightly, at: backup.at })
  const pingBroker = async () => {
    const broker = parts.broker()
    if (broker === undefined) throw new Error('the broker does not run')
    await broker.ping()
    return broker.storageFault() ?? parts.missingListener()
  }
  const health: Health = new Health({
    clock,
    version,
    checks: [
      databaseCheck(store, clock),
      poolCheck(store),
      brokerCheck(pingBroker),
      ...(config.mqtt.upstream.length > 0 ? [upstreamCheck(parts.upstream)] : []),
      linksCheck(sources.boards, links.filter(({ mode }) => mode !== 'bridge').length),
      diskCheck(stateDir),
      memoryCheck(),
      eventLoopCheck(() => meter.worstP99Ms),
      clockCheck(clock),
      backupCheck(clock, () => nightly.read()),
    ],
  })

  closers.add('backups', () => backups.stop())
  nightly.start()
  closers.add('nightly backup', () => nightly.stop())
  history.start()
  closers.add('metrics history', () => history.stop())
  sampler.onSample(sample => hub.publish('metrics', 'sample', sample))
  sampler.start()
  closers.add('metrics', () => sampler.stop())
  hub.provide('health', async () => [{ type: 'health', data: await health.check() }])
  health.onChange(report => hub.publish('health', 'health', report))
  health.start()
  closers.add('health', () => health.stop())
  const {
    alerts,
    events: alertEvents,
    request,
    authFailed,
  } = await startAlerts({ ...parts, health, sources, watcher, metrics })
  const observeRequest = (outcome: HttpObservation): void => {
    metrics.observeRequest(outcome)
    request(outcome)
  }
  return {
    metrics,
    sources,
    sampler,
    history,
    watcher,
    alerts,
    alertEvents,
    observeRequest,
    authFailed,
    health,
    backups,
  }
}
