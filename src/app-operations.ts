import type { Broker } from './broker/start-broker.ts'
import type { Config } from './config/resolve-config.ts'
import type { Clock } from './kernel/clock.ts'
import type { Closers } from './kernel/closers.ts'
import type { Log } from './kernel/log.ts'
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
} from './ops/health-checks.ts'
import { Metrics, type MetricsSources } from './ops/metrics.ts'
import { MetricsSampler } from './ops/metrics-sampler.ts'
import { NightlyBackup } from './ops/nightly-backup.ts'
import { ProcessMeter } from './ops/process-meter.ts'
import { Backups } from './store/backups.ts'
import { maxPendingBytes, maxPendingCalls, type Store } from './store/store.ts'
import type { GatewayCore } from './upload/gateway-core.ts'
import { maxUnfinishedJobs } from './upload/upload-queue.ts'
import { version } from './version.ts'
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
  /** undefined while it is not there yet. */
  readonly broker: () => Broker | undefined
  /** What the configuration asked for and could not be had; undefined: nothing. */
  readonly missingListener: () => string | undefined
}

export interface Operations {
  readonly metrics: Metrics
  readonly sampler: MetricsSampler
  readonly health: Health
  readonly backups: Backups
}

/** Metrics, health and backups over the parts of the gateway; the parts know nothing of them. */
export async function startOperations(parts: OperationsParts): Promise<Operations> {
  const { config, clock, log, closers, store, core, hub } = parts
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
      { name: 'unfinished_jobs', size: core.queue.size, limit: maxUnfinishedJobs },
      { name: 'websocket_clients', size: hub.stats().clients, limit: liveLimits.connections },
      { name: 'websocket_bytes', size: hub.stats().bufferedBytes, limit: liveLimits.totalBufferedBytes },
      {
        name: 'mqtt_connections',
        size: parts.broker()?.stats().connections ?? 0,
        limit: config.mqtt.maxClients,
      },
    ],
    health: () => health.last,
  }
  const meter = new ProcessMeter()
  const metrics = new Metrics(sources, meter, version)
  const sampler = new MetricsSampler({ clock, sources, metrics, meter })
  const backups = new Backups({ stateDir, clock, keep: backup.keep })
  const nightly = new NightlyBackup({ backups, clock, log, nightly: backup.nightly, at: backup.at })
  const pingBroker = async () => {
    const broker = parts.broker()
    if (broker === undefined) throw new Error('the broker does not run')
    await broker.ping()
    return parts.missingListener()
  }
  const health: Health = new Health({
    clock,
    version,
    checks: [
      databaseCheck(store, clock),
      brokerCheck(pingBroker),
      linksCheck(sources.boards, links.length),
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
  sampler.onSample(sample => hub.publish('metrics', 'sample', sample))
  sampler.start()
  closers.add('metrics', () => sampler.stop())
  hub.provide('health', async () => [{ type: 'health', data: await health.check() }])
  health.onChange(report => hub.publish('health', 'health', report))
  health.start()
  closers.add('health', () => health.stop())
  return { metrics, sampler, health, backups }
}
