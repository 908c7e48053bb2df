import { Counter, Gauge, Registry } from 'prom-client'
import type { BoardReading } from './gateway-meter.ts'
import { openFiles, type ProcessMeter } from './process-meter.ts'
import { type HttpObservation, RequestMetrics } from './request-metrics.ts'

/** A queue that holds something back, and what it may hold. */
export interface QueueReading {
  /** `storage_calls`; one of a fixed set. */
  readonly name: string
  readonly size: number
  readonly limit: number
}

export interface MqttReading {
  readonly clients: number
  /** Since the start. */
  readonly messagesIn: number
  readonly messagesOut: number
}

/** Where the figures come from; the composition root fills it. Each call reads what is known already. */
export interface MetricsSources {
  boards(): readonly BoardReading[]
  mqtt(): MqttReading
  webSocketClients(): number
  store(): { readonly calls: number; readonly sizeBytes: number }
  queues(): readonly QueueReading[]
  health(): { readonly score: number } | undefined
}

/** What Prometheus fetches (https://prometheus.io/docs/practices/naming/), in a registry of its own. */
export class Metrics {
  readonly registry = new Registry()
  readonly #sources: MetricsSources
  readonly #requests = new RequestMetrics(this.registry)

  constructor(sources: MetricsSources, meter: ProcessMeter, version: string) {
    this.#sources = sources
    this.#gateway()
    this.#perBoard()
    this.#process(meter, version)
  }

  /** Requests since the start. */
  get requestCount(): number {
    return this.#requests.count
  }

  get contentType(): string {
    return this.registry.contentType
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return this.registry.metrics()
  }

  observeRequest(observation: HttpObservation): void {
    this.#requests.observe(observation)
  }

  #gateway(): void {
    const { mqtt, webSocketClients, store, queues, health } = this.#sources
    this.#read('websocket_clients', 'Open WebSocket connections.', () => webSocketClients())
    this.#read('mqtt_clients', 'Connected MQTT clients.', () => mqtt().clients)
    const messages = this.#counter(
      'mqtt_messages_total',
      'MQTT messages since the start.',
      ['direction'],
      () => {
        const { messagesIn, messagesOut } = mqtt()
        messages.reset()
        messages.inc({ direction: 'in' }, messagesIn)
        messages.inc({ direction: 'out' }, messagesOut)
      },
    )
    this.#read('store_pending_calls', 'Calls that wait for the storage thread.', () => store().calls)
    this.#read('store_pending_bytes', 'Bytes that wait for the storage thread.', () => store().sizeBytes)
    const size = this.#gauge(
      'queue_size',
      'What waits in each bounded queue, in its own unit.',
      ['queue'],
      () => {
        for (const queue of queues()) size.set({ queue: queue.name }, queue.size)
      },
    )
    const limit = this.#gauge(
      'queue_limit',
      'What each queue may hold at most, in its own unit.',
      ['queue'],
      () => {
        for (const queue of queues()) limit.set({ queue: queue.name }, queue.limit)
      },
    )
    const score = this.#gauge('health_score', 'Health of the gateway at its last look, 0 to 100.', [], () => {
      const known = health()?.score
      if (known !== undefined) score.set(known)
    })
  }

  #perBoard(): void {
    const { boards } = this.#sources
    const flag = (name: string, help: string, value: (board: BoardReading) => number | null): void => {
      const gauge = this.#gauge(name, help, ['board'], () => {
        for (const board of boards()) {
          const now = value(board)
          if (now !== null) gauge.set({ board: board.boardId }, now)
        }
      })
    }
    const total = (name: string, help: string, value: (board: BoardReading) => number): void => {
      const counter = this.#counter(name, help, ['board'], () => {
        counter.reset()
        for (const board of boards()) counter.inc({ board: board.boardId }, value(board))
      })
    }
    flag('board_connected', '1 while the board is there.', board => (board.connected ? 1 : 0))
    flag('board_quarantined', '1 while two boards share this UUID.', board => (board.quarantined ? 1 : 0))
    flag(
      'board_line_share_ratio',
      'Share of the line that was payload in the last transfer.',
      board => board.lineShare,
    )
    total('board_received_bytes_total', 'Bytes from the board.', board => board.bytesIn)
    total('board_sent_bytes_total', 'Bytes to the board.', board => board.bytesOut)
    total(
      'board_retransmitted_bytes_total',
      'Bytes that went again because they were lost.',
      board => board.retransmittedBytes,
    )
    const jobs = this.#gauge(
      'jobs',
      'Jobs that are not finished, by board and state.',
      ['board', 'state'],
      () => {
        // A state that no job is in any more has to go, not to stay at its last number.
        jobs.reset()
        for (const board of boards()) {
          for (const [state, count] of Object.entries(board.jobs))
            jobs.set({ board: board.boardId, state }, count)
        }
      },
    )
    const finished = this.#counter(
      'jobs_finished_total',
      'Jobs that ended, by board and how.',
      ['board', 'state'],
      () => {
        finished.reset()
        for (const board of boards()) {
          for (const [state, count] of Object.entries(board.finished))
            finished.inc({ board: board.boardId, state }, count)
        }
      },
    )
  }

  #process(meter: ProcessMeter, version: string): void {
    const registers = [this.registry]
    const read = (name: string, help: string, value: () => number | null | Promise<number | null>): void => {
      new Gauge({
        name,
        help,
        registers,
        async collect(this: Gauge) {
          const now = await value()
          if (now !== null) this.set(now)
        },
      })
    }
    read('process_resident_memory_bytes', 'Resident memory.', () => meter.read().rssBytes)
    read('nodejs_heap_size_used_bytes', 'Used part of the heap of V8.', () => meter.read().heapBytes)
    read('process_open_fds', 'Open files and sockets.', openFiles)
    const startedSeconds = Math.round(Date.now() / 1000 - process.uptime())
    read('process_start_time_seconds', 'Start of the process, seconds since 1970.', () => startedSeconds)
    read(
      'nodejs_eventloop_lag_p99_seconds',
      'Worst 99th percentile of a second within the last 15.',
      () => meter.worstP99Ms / 1000,
    )
    const cpu: Counter = new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time, user and system.',
      registers,
      collect: () => {
        cpu.reset()
        cpu.inc(meter.read().cpuSeconds)
      },
    })
    const build = this.#gauge('build_info', 'Always 1; the labels say what runs.', [
      'version',
      'node_version',
    ])
    build.set({ version, node_version: process.version }, 1)
  }

  #read(name: string, help: string, value: () => number): void {
    const gauge: Gauge = this.#gauge(name, help, [], () => gauge.set(value()))
  }

  #gauge<L extends string>(name: string, help: string, labelNames: L[], collect?: () => void): Gauge<L> {
    return new Gauge({
      name: `pixelgate_${name}`,
      help,
      labelNames,
      registers: [this.registry],
      ...(collect && { collect }),
    })
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[], collect?: () => void): Counter<L> {
    return new Counter({
      name: `pixelgate_${name}`,
      help,
      labelNames,
      registers: [this.registry],
      ...(collect && { collect }),
    })
  }
}
