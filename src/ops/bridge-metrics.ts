import { Counter, Gauge, type Registry } from 'prom-client'

/** One way over a bridged line since the start. */
interface WayReading {
  readonly frames: number
  readonly bytes: number
  /** Frames and messages that were lost, by reason. */
  readonly reasons: Readonly<Record<string, number>>
}

/** A bridged line. */
export interface BridgeReading {
  readonly name: string
  readonly state: string
  /** From the line. */
  readonly rx: WayReading
  /** To the line. */
  readonly tx: WayReading
  readonly queuedBytes: number
}

type Ways = readonly (readonly ['rx' | 'tx', WayReading])[]
const waysOf = ({ rx, tx }: BridgeReading): Ways => [
  ['rx', rx],
  ['tx', tx],
]

/** Adds the figures of bridged lines to a registry. */
export function measureBridges(registry: Registry, read: () => readonly BridgeReading[]): void {
  const registers = [registry]
  const gauge = (name: string, help: string, value: (bridge: BridgeReading) => number) =>
    new Gauge({
      name: `pixelgate_bridge_${name}`,
      help,
      labelNames: ['bridge'],
      registers,
      collect(this: Gauge<'bridge'>) {
        for (const bridge of read()) this.set({ bridge: bridge.name }, value(bridge))
      },
    })
  const total = (name: string, help: string, value: (way: WayReading) => number) =>
    new Counter({
      name: `pixelgate_bridge_${name}`,
      help,
      labelNames: ['bridge', 'direction'],
      registers,
      collect(this: Counter<'bridge' | 'direction'>) {
        this.reset()
        for (const bridge of read())
          for (const [direction, way] of waysOf(bridge))
            this.inc({ bridge: bridge.name, direction }, value(way))
      },
    })
  gauge('open', '1 while the line is open.', ({ state }) => (state === 'open' ? 1 : 0))
  gauge('queued_bytes', 'Bytes of messages that wait for the line.', ({ queuedBytes }) => queuedBytes)
  total('frames_total', 'Frames from the line (rx) and to it (tx).', ({ frames }) => frames)
  total('bytes_total', 'Bytes of those frames.', ({ bytes }) => bytes)
  new Counter({
    name: 'pixelgate_bridge_dropped_total',
    help: 'Frames and messages that were lost or refused, by reason.',
    labelNames: ['bridge', 'direction', 'reason'],
    registers,
    collect(this: Counter<'bridge' | 'direction' | 'reason'>) {
      this.reset()
      for (const bridge of read())
        for (const [direction, { reasons }] of waysOf(bridge))
          for (const [reason, count] of Object.entries(reasons))
            this.inc({ bridge: bridge.name, direction, reason }, count)
    },
  })
}
