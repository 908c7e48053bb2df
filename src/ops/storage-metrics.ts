import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { ReaderStats } from '../store/readers.ts'
import type { FinishedCall } from '../store/storage-thread.ts'

/** Operations are written down in the program; the cap is for a mistake. */
const maxOperations = 300

/** What Prometheus hears of the database: how long callers wait, which statements are slow, how many readers there are. */
export class StorageMetrics {
  readonly #calls: Histogram<'operation'>
  readonly #slow: Counter<'operation'>
  readonly #operations = new Set<string>()

  constructor(registry: Registry, readers: () => ReaderStats) {
    const registers = [registry]
    this.#calls = new Histogram({
      name: 'pixelgate_storage_call_seconds',
      help: 'From asking the database to its answer, by operation.',
      labelNames: ['operation'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5],
      registers,
    })
    this.#slow = new Counter({
      name: 'pixelgate_storage_slow_statements_total',
      help: 'Statements that took more than 100 ms, by operation.',
      labelNames: ['operation'],
      registers,
    })
    new Gauge({
      name: 'pixelgate_storage_readers',
      help: 'Connections for long reads that are open.',
      registers,
      collect(this: Gauge) {
        this.set(readers().open)
      },
    })
  }

  observe({ operation, ms, statements }: FinishedCall): void {
    const known = this.#operations.has(operation) || this.#operations.size < maxOperations
    if (known) this.#operations.add(operation)
    const labels = { operation: known ? operation : 'others' }
    this.#calls.observe(labels, ms / 1000)
    if (statements.slow.length > 0) this.#slow.inc(labels, statements.slow.length)
  }
}
