import type { OutboxStore } from '../../src/broker/upstream/outbox.ts'
import { AppError } from '../../src/kernel/errors.ts'
import type { BatchOutcome, OutboxBatch, OutboxRow, OutboxUsage } from '../../src/store/outbox/outbox-row.ts'
import { turns } from './fake-above.ts'

/** The outbox's thread and file, in memory: first in, first out, one call at a time when the test says so. */
export class SteppedStore {
  readonly rows = new Map<number, OutboxRow>()
  /** Nothing can be written. */
  full = false
  /** Calls wait for `step`. */
  stepped = false
  /** What was to be written last. */
  batch: OutboxBatch | undefined
  readonly #calls: (() => void)[] = []

  readonly call: OutboxStore['call'] = (name, ...args) =>
    new Promise((resolve, reject) => {
      this.#calls.push(() => {
        try {
          resolve(this.#answer(name, args) as never)
        } catch (thrown) {
          reject(thrown)
        }
      })
      if (!this.stepped) queueMicrotask(() => this.#calls.shift()?.())
    })

  get texts(): string[] {
    return [...this.rows.values()].map(({ payload }) => Buffer.from(payload).toString())
  }

  /** The next call is answered. */
  async step(): Promise<void> {
    this.#calls.shift()?.()
    await turns()
  }

  /** All of them, and those that follow from them. */
  async steps(): Promise<void> {
    await turns()
    while (this.#calls.length > 0) await this.step()
  }

  #answer(name: string, args: readonly unknown[]): unknown {
    const { rows } = this
    if (name === 'resume')
      return { lastSeq: Math.max(0, ...rows.keys()), livedMs: 0, known: true, usage: this.#usage }
    if (name === 'commit') {
      this.batch = args[0] as OutboxBatch
      return this.#commit(this.batch)
    }
    const after = [...rows.values()].filter(({ seq }) => seq > Number(args[1]))
    return { rows: after.sort((a, b) => a.seq - b.seq), last: true, damaged: [] }
  }

  #commit({ insert, remove, outdated }: OutboxBatch): BatchOutcome {
    if (this.full) throw new AppError('storage_failed', 'no room is left')
    const forget = (topic: string, upTo: number) => {
      for (const [seq, row] of this.rows)
        if (row.topic === topic && row.class === 'state' && seq <= upTo) this.rows.delete(seq)
    }
    for (const row of insert) {
      if (row.class === 'state') forget(row.topic, row.seq)
      this.rows.set(row.seq, row)
    }
    for (const seq of remove) this.rows.delete(seq)
    for (const { topic, seq } of outdated) forget(topic, seq)
    return { usage: this.#usage, dropped: [] }
  }

  get #usage(): OutboxUsage {
    const byClass = { telemetry: 0, state: 0, message: 0, result: 0 }
    for (const row of this.rows.values()) byClass[row.class]++
    return { rows: this.rows.size, bytes: 0, byClass, oldestMs: null }
  }
}
