import type { BrokerHooks } from './broker-hooks.ts'
import type { BrokerStats } from './broker-stats.ts'
import type { StatusCounts } from './broker-status.ts'
import type { Sessions } from './memory/sessions.ts'
import type { PacketCounts } from './packets/packet-counts.ts'
import type { Traffic } from './traffic.ts'

interface Counted {
  readonly stats: BrokerStats
  readonly sessions: Pick<Sessions, 'count' | 'subscriptions' | 'queue'>
  readonly sessionsExpired: number
  readonly access: Pick<BrokerHooks, 'clientIds' | 'filterCount'>
  readonly counts: PacketCounts
  readonly traffic: Traffic
}

/** What `$SYS/broker` tells, from where it is counted. */
export function statusCounts(parts: Counted): StatusCounts {
  const { stats, sessions, sessionsExpired, access, counts, traffic } = parts
  const lasts = (clientId: string) => sessions.queue(clientId) !== undefined
  return {
    ...stats,
    droppedMessages: stats.droppedMessages + stats.refusedRetained,
    sessionsAway: sessions.count - [...access.clientIds()].filter(lasts).length,
    sessionsExpired,
    subscriptions: sessions.subscriptions + access.filterCount(clientId => !lasts(clientId)),
    payloadBytesReceived: traffic.payloadBytesReceived,
    payloadBytesSent: traffic.payloadBytesSent,
    packetsReceived: counts.packetsReceived,
    packetsSent: counts.answers + traffic.sent,
    bytesReceived: counts.bytesReceived,
    bytesSent: counts.bytesSent,
    connects: counts.connects,
    sockets: counts.sockets,
    heapBytes: process.memoryUsage().heapUsed,
  }
}
