import { hostname } from 'node:os'
import type { FaceParts } from './app-faces.ts'
import { isLoopback } from './config/schema-parts.ts'
import { version } from './version.ts'
import type { SystemView } from './wire/system.ts'
import type { TlsView } from './wire/tls.ts'

/** How the gateway is reached over the network. */
export interface NetworkState extends TlsView {
  readonly url: string
}

export type SystemParts = Pick<
  FaceParts,
  'config' | 'clock' | 'startedMs' | 'mqtt' | 'operations' | 'store'
> & {
  readonly network: () => NetworkState | undefined
}

const running = ['transferring', 'verifying', 'trial']
const waiting = ['queued', 'waiting']

/** The answer of GET /system, from what is known already. */
export class SystemStatus {
  readonly #parts: SystemParts
  readonly #fixed: Pick<
    SystemView,
    'version' | 'gatewayId' | 'node' | 'platform' | 'hostname' | 'development'
  >

  constructor(parts: SystemParts) {
    this.#parts = parts
    this.#fixed = {
      version,
      gatewayId: parts.mqtt.gatewayId,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      hostname: hostname(),
      development: parts.config.development,
    }
  }

  read(): SystemView {
    const { clock, startedMs, operations } = this.#parts
    const { sampler, health, alerts, sources } = operations
    const uptimeSeconds = Math.floor((clock.now() - startedMs) / 1000)
    const boards = sources.boards()
    const last = sampler.last
    const { rssBytes = process.memoryUsage.rss(), cpuCores = 0, eventLoopP99Ms = 0 } = last ?? {}
    const { memory } = operations.watcher.last
    const { status, score } = health.last ?? {}
    return {
      ...this.#fixed,
      startedAt: new Date(clock.wallTime() - uptimeSeconds * 1000).toISOString(),
      uptimeSeconds,
      network: this.#network(),
      boards: { known: boards.length, connected: boards.filter(({ connected }) => connected).length },
      jobs: jobsOf(boards),
      clients: { webSocket: sources.webSocketClients(), mqtt: sources.mqtt().clients },
      storage: this.#storage(),
      process: {
        rssBytes,
        memoryLimitBytes: memory?.limitBytes ?? null,
        memoryAvailableBytes: memory?.availableBytes ?? null,
        cpuCores,
        eventLoopP99Ms,
      },
      clock: this.#clock(),
      health: status === undefined || score === undefined ? null : { status, score },
      alerts: alerts.counts(),
      queues: sources.queues(),
    }
  }

  #network(): SystemView['network'] {
    const { mqtt, network } = this.#parts
    const { url, ...tls } = network() ?? { url: null }
    return {
      url,
      tls: 'scheme' in tls ? tls : null,
      mqtt: mqtt.urls,
      plainMqtt: mqtt.urls.filter(isPlainOnNetwork),
    }
  }

  #storage(): SystemView['storage'] {
    const { operations, store } = this.#parts
    const { disk, databaseBytes, walBytes } = operations.watcher.last
    const { open, limit, pendingCalls } = store.readers
    return {
      databaseBytes,
      walBytes,
      diskFreeBytes: disk?.freeBytes ?? null,
      diskTotalBytes: disk?.totalBytes ?? null,
      pendingCalls: store.pending.calls,
      readers: { open, limit, pendingCalls },
    }
  }

  #clock(): SystemView['clock'] {
    const { clock, operations } = this.#parts
    return {
      now: new Date(clock.wallTime()).toISOString(),
      synchronised: operations.watcher.last.clockSynchronized ?? null,
      timeZone: timeZone(),
    }
  }
}

const isPlainOnNetwork = (url: string): boolean => {
  const { protocol, hostname } = new URL(url)
  return protocol === 'mqtt:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

const timeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

function jobsOf(
  boards: readonly {
    readonly jobs: Readonly<Record<string, number>>
    readonly finished: Readonly<Record<string, number>>
  }[],
): SystemView['jobs'] {
  const sum = (of: 'jobs' | 'finished', states: readonly string[]): number =>
    boards.reduce((all, board) => all + states.reduce((part, state) => part + (board[of][state] ?? 0), 0), 0)
  return {
    running: sum('jobs', running),
    waiting: sum('jobs', waiting),
    paused: sum('jobs', ['paused']),
    done: sum('finished', ['done']),
    failed: sum('finished', ['failed']),
    cancelled: sum('finished', ['cancelled']),
  }
}
