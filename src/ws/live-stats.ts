import type { LiveClientView } from '../wire/live.ts'
import type { LiveClient } from './live-client.ts'
import type { Traffic } from './outbox.ts'

/** For metrics. */
export interface LiveStats extends Readonly<Traffic> {
  readonly clients: number
  /** Of them not signed in. */
  readonly anonymous: number
  readonly subscriptions: number
  readonly bufferedBytes: number
  /** Round trips of the last pings; null: none was answered yet. */
  readonly latencyP50Ms: number | null
  readonly latencyP95Ms: number | null
}

export const bufferedBytes = (clients: Iterable<LiveClient>): number => {
  let sum = 0
  for (const { feed } of clients) sum += feed.bufferedBytes
  return sum
}

export function liveStats(all: Iterable<LiveClient>, traffic: Traffic): LiveStats {
  const clients = [...all]
  const latencies = clients.flatMap(({ latencyMs }) => latencyMs ?? []).sort((a, b) => a - b)
  const percentile = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? null
  return {
    ...traffic,
    clients: clients.length,
    anonymous: clients.filter(({ principal }) => principal === undefined).length,
    subscriptions: clients.reduce((sum, { topics }) => sum + topics.size, 0),
    bufferedBytes: bufferedBytes(clients),
    latencyP50Ms: percentile(0.5),
    latencyP95Ms: percentile(0.95),
  }
}

export function clientView(client: LiveClient): LiveClientView {
  const { id, principal, origin, sinceMs, topics, feed, latencyMs } = client
  return {
    id,
    user: principal?.name ?? null,
    kind: principal?.kind ?? null,
    address: origin.address,
    agent: origin.agent,
    since: new Date(sinceMs).toISOString(),
    topics: [...topics.keys()],
    bufferedBytes: feed.bufferedBytes,
    latencyMs: latencyMs ?? null,
    dropped: feed.dropped,
    sent: feed.sent,
  }
}
