import { Counter, Gauge, type Registry } from 'prom-client'

/** What is known of one broker above. */
export interface UpstreamFigures {
  readonly name: string
  readonly awayMs: number | null
  readonly connections: number
  readonly outbox: {
    readonly rows: number
    readonly bytes: number
    readonly maxBytes: number
    readonly oldestMs: number | null
  }
  readonly sent: number
  readonly acknowledged: number
  readonly received: number
  readonly duplicates: number
  readonly dropped: {
    readonly telemetry: number
    readonly state: number
    readonly message: number
    readonly result: number
    readonly tooLarge: number
  }
  readonly setAside: readonly string[]
}

/** Metrics of the brokers to which the gateway dials out. */
export function measureUpstream(registry: Registry, read: () => readonly UpstreamFigures[]): void {
  const registers = [registry]
  const gauge = (name: string, help: string, value: (figures: UpstreamFigures) => number): void => {
    const made: Gauge<'upstream'> = new Gauge({
      name: `pixelgate_upstream_${name}`,
      help,
      labelNames: ['upstream'],
      registers,
      collect: () => {
        for (const figures of read()) made.set({ upstream: figures.name }, value(figures))
      },
    })
  }
  const total = (name: string, help: string, value: (figures: UpstreamFigures) => number): void => {
    const made: Counter<'upstream'> = new Counter({
      name: `pixelgate_upstream_${name}_total`,
      help,
      labelNames: ['upstream'],
      registers,
      collect: () => {
        made.reset()
        for (const figures of read()) made.inc({ upstream: figures.name }, value(figures))
      },
    })
  }
  gauge('connected', '1 while the broker above is connected.', ({ awayMs }) => (awayMs === null ? 1 : 0))
  gauge('outbox_rows', 'Messages that have not arrived above.', ({ outbox }) => outbox.rows)
  gauge('outbox_bytes', 'Bytes of the messages that have not arrived above.', ({ outbox }) => outbox.bytes)
  gauge('outbox_limit_bytes', 'What the outbox may hold at most.', ({ outbox }) => outbox.maxBytes)
  gauge(
    'outbox_age_seconds',
    'Age of the oldest message in the outbox, while the gateway ran.',
    ({ outbox }) => (outbox.oldestMs ?? 0) / 1000,
  )
  gauge('topics_set_aside', 'Topics that the broker above does not take.', ({ setAside }) => setAside.length)
  total('connections', 'Connections that came about since the start.', ({ connections }) => connections)
  total('sent', 'Messages sent up since the start, repetitions too.', ({ sent }) => sent)
  total('acknowledged', 'Messages acknowledged above since the start.', ({ acknowledged }) => acknowledged)
  total('received', 'Messages that came down since the start.', ({ received }) => received)
  total('duplicates', 'Messages that came down again and did nothing.', ({ duplicates }) => duplicates)
  const classes = ['telemetry', 'state', 'message', 'result', 'tooLarge'] as const
  const dropped: Counter<'upstream' | 'class'> = new Counter({
    name: 'pixelgate_upstream_dropped_total',
    help: 'Messages that did not get up, by what they were worth.',
    labelNames: ['upstream', 'class'],
    registers,
    collect: () => {
      dropped.reset()
      for (const { name, dropped: counts } of read())
        for (const kind of classes) dropped.inc({ upstream: name, class: kind }, counts[kind])
    },
  })
}
