import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What the WebSockets have come to since the start. */
export interface LiveReading {
  readonly messagesIn: number
  readonly messagesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly dropped: number
  readonly tooSlow: number
  readonly resumed: number
  readonly gaps: number
  readonly bufferedBytes: number
  readonly subscriptions: number
}

/** Metrics of the WebSockets in this registry; returns what is to hear the round trip of each ping. */
export function liveMetrics(registry: Registry, read: () => LiveReading): (latencyMs: number) => void {
  const registers = [registry]
  const total = (name: string, help: string, value: (reading: LiveReading) => number): void => {
    const counter: Counter = new Counter({
      name: `pixelgate_websocket_${name}`,
      help,
      registers,
      collect: () => {
        counter.reset()
        counter.inc(value(read()))
      },
    })
  }
  const both = (name: string, help: string, received: keyof LiveReading, sent: keyof LiveReading): void => {
    const counter: Counter<'direction'> = new Counter({
      name: `pixelgate_websocket_${name}`,
      help,
      labelNames: ['direction'],
      registers,
      collect: () => {
        const reading = read()
        counter.reset()
        counter.inc({ direction: 'in' }, reading[received])
        counter.inc({ direction: 'out' }, reading[sent])
      },
    })
  }
  const gauge = (name: string, help: string, value: (reading: LiveReading) => number): void => {
    const made: Gauge = new Gauge({
      name: `pixelgate_websocket_${name}`,
      help,
      registers,
      collect: () => made.set(value(read())),
    })
  }
  both('messages_total', 'WebSocket messages since the start.', 'messagesIn', 'messagesOut')
  both('bytes_total', 'Bytes of WebSocket messages since the start.', 'bytesIn', 'bytesOut')
  total(
    'dropped_values_total',
    'Values that a newer one has replaced before a slow client got them.',
    r => r.dropped,
  )
  total('slow_clients_total', 'Clients that were closed because they did not keep up.', r => r.tooSlow)
  total('resumed_total', 'Clients that came back and got what they had missed.', r => r.resumed)
  total('gaps_total', 'Clients that came back too late for that.', r => r.gaps)
  gauge('buffered_bytes', 'Bytes that wait for WebSocket clients.', r => r.bufferedBytes)
  gauge('subscriptions', 'Topics over all WebSocket clients.', r => r.subscriptions)
  const pings = new Histogram({
    name: 'pixelgate_websocket_ping_seconds',
    help: 'Round trip of pings.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  return latencyMs => pings.observe(latencyMs / 1000)
}
