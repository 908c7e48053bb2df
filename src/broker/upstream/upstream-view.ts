import type { Clock } from '../../kernel/clock.ts'
import type { DroppedRow } from '../../store/outbox/outbox-row.ts'
import type { UpstreamView } from '../../wire/upstream.ts'
import type { ConnectionState } from './connection-machine.ts'
import type { Courier } from './courier.ts'
import type { Outbox } from './outbox.ts'
import type { Receiver } from './receiver.ts'
import type { UpstreamSettings } from './upstream-settings.ts'

/** What was dropped since the start. */
export interface DropCounts {
  readonly byClass: Record<DroppedRow['class'], number>
  readonly byReason: Record<DroppedRow['reason'], number>
  lastMs: number | undefined
}

interface Seen {
  readonly settings: UpstreamSettings
  readonly clock: Clock
  readonly connection: ConnectionState
  readonly fault: string | undefined
  readonly awaySinceMs: number | undefined
  readonly connections: number
  readonly outbox: Outbox['usage']
  readonly underWay: number
  readonly courier: Pick<Courier, 'sent' | 'acknowledged' | 'tooLarge'> | undefined
  readonly receiver: Pick<Receiver, 'received' | 'duplicates' | 'refused'>
  readonly drops: DropCounts
  readonly setAside: readonly string[]
}

/** How it stands with a broker above, as it is shown. */
export function upstreamView(seen: Seen): UpstreamView {
  const { settings, clock, connection, outbox, courier, receiver, drops } = seen
  const since = (ms: number | undefined): number | null =>
    ms === undefined ? null : Math.max(0, Math.round(clock.now() - ms))
  const { rows, bytes, byClass, pendingRows, ageMs } = outbox
  const { received, duplicates, refused } = receiver
  return {
    name: settings.name,
    url: settings.url,
    state: connection.is,
    protocol: connection.is === 'online' ? (connection.level === 5 ? '5' : '3.1.1') : null,
    awayMs: since(seen.awaySinceMs),
    retryAfterMs:
      connection.is === 'waiting' ? Math.max(0, Math.round(connection.untilMs - clock.now())) : null,
    fault: seen.fault ?? null,
    connections: seen.connections,
    outbox: {
      ...{ rows, bytes, byClass },
      maxBytes: settings.maxOutboxBytes,
      unwritten: pendingRows,
      oldestMs: ageMs,
    },
    underWay: seen.underWay,
    sent: courier?.sent ?? 0,
    acknowledged: courier?.acknowledged ?? 0,
    ...{ received, duplicates, refused },
    dropped: {
      ...drops.byClass,
      ...drops.byReason,
      tooLarge: courier?.tooLarge ?? 0,
      lastMs: since(drops.lastMs),
    },
    setAside: [...seen.setAside],
  }
}
