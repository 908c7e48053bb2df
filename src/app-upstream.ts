import { join } from 'node:path'
import { Upstreams } from './broker/upstream/upstreams.ts'
import type { Config } from './config/resolve-config.ts'
import type { Clock } from './kernel/clock.ts'
import type { Closers } from './kernel/closers.ts'
import type { Log } from './kernel/log.ts'
import type { GatewayCore } from './upload/gateway-core.ts'

/** The brokers to which the gateway dials out; their outbox is closed after the broker, which is closed before. */
export function createUpstreams(parts: {
  readonly config: Config
  readonly core: GatewayCore
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
  readonly gatewayId: string
}): Upstreams {
  const { config, closers } = parts
  const databasePath = join(config.stateDir, 'upstream.db')
  const { upstream: settings, maxPacketBytes } = config.mqtt
  const upstreams = new Upstreams({ ...parts, settings, maxPacketBytes, databasePath })
  closers.add('outbox', () => upstreams.close())
  return upstreams
}
