import type { Database } from 'better-sqlite3'
import { prepared } from '../prepared.ts'
import { sha256 } from '../sha256.ts'
import {
  type BatchOutcome,
  type DroppedRow,
  type MessageClass,
  type OutboxBatch,
  type OutboxPage,
  type OutboxRow,
  type OutboxUsage,
  outboxRowBytes,
} from './outbox-row.ts'

/** After an eviction so much is free again, so that not every message evicts another. */
const evictTo = 0.95
const rowsAtATime = 64
/** Ends of uploads that are remembered as taken. */
const maxJobs = 2_000
/** In this order they go when room is short. */
const evictable = ['telemetry', 'state', 'message'] as const

interface Stored extends Omit<OutboxRow, 'retain' | 'payload'> {
  readonly payload: Buffer
  readonly retain: 0 | 1
  readonly sha: Buffer
}

interface Usage {
  rows: number
  bytes: number
  readonly byClass: Record<MessageClass, number>
}

type Gone = { readonly seq: number; readonly class: MessageClass; readonly sizeBytes: number }

/** What waits for each broker above, in one database. Every call but `commit` only reads. */
export class OutboxTable {
  readonly #db: Database
  readonly #usage = new Map<string, Usage>()

  constructor(db: Database) {
    this.#db = db
  }

  /** All of it in one transaction, flushed to the disk when this returns. */
  commit(batch: OutboxBatch): BatchOutcome {
    const before = structuredClone(this.#used(batch.upstream))
    try {
      return this.#db.transaction(() => this.#commit(batch)).immediate()
    } catch (thrown) {
      this.#usage.set(batch.upstream, before)
      throw thrown
    }
  }

  /** Where an earlier run has stopped. */
  resume(upstream: string): {
    readonly lastSeq: number
    readonly livedMs: number
    readonly known: boolean
    readonly usage: OutboxUsage
  } {
    const last = prepared<{ seq: number | null }>(
      this.#db,
      'SELECT max(seq) AS seq FROM outbox WHERE upstream = ?',
    ).get(upstream)
    const mark = prepared<{ livedMs: number }>(this.#db, 'SELECT livedMs FROM marks WHERE upstream = ?').get(
      upstream,
    )
    return {
      lastSeq: last?.seq ?? 0,
      livedMs: mark?.livedMs ?? 0,
      known: mark !== undefined,
      usage: this.#reading(upstream),
    }
  }

  /** The next rows behind `after` in their order. */
  read(upstream: string, after: number, maxRows: number, maxBytes: number): OutboxPage {
    const sql = `SELECT seq, epoch, topic, payload, class, retain, livedMs, sha FROM outbox
      WHERE upstream = ? AND seq > ? ORDER BY seq LIMIT ?`
    const rows: OutboxRow[] = []
    const damaged: DroppedRow[] = []
    let bytes = 0
    let last = true
    for (const stored of prepared<Stored>(this.#db, sql).iterate(upstream, after, maxRows + 1)) {
      if (
        rows.length + damaged.length === maxRows ||
        (bytes > 0 && bytes + outboxRowBytes(stored) > maxBytes)
      ) {
        last = false
        break
      }
      const { sha, retain, ...row } = stored
      if (!hashOf(stored).equals(sha)) {
        damaged.push({ seq: row.seq, class: row.class, reason: 'damaged' })
        continue
      }
      bytes += outboxRowBytes(row)
      rows.push({ ...row, retain: retain === 1 })
    }
    return { rows, last, damaged }
  }

  /** Those of these uploads whose end was not taken yet. */
  unseenJobs(upstream: string, jobs: readonly string[]): string[] {
    const sql = 'SELECT 1 FROM jobs WHERE upstream = ? AND job = ?'
    return jobs.filter(job => prepared(this.#db, sql).get(upstream, job) === undefined)
  }

  #commit({ upstream, livedMs, limits, insert, remove, outdated, jobs }: OutboxBatch): BatchOutcome {
    const used = this.#used(upstream)
    const db = this.#db
    const states = `DELETE FROM outbox WHERE upstream = ? AND topic = ? AND class = 'state' AND seq <= ?
      RETURNING seq, class, sizeBytes`
    const add = `INSERT INTO outbox (upstream, seq, epoch, topic, payload, class, retain, livedMs, sizeBytes, sha)
      VALUES (@upstream, @seq, @epoch, @topic, @payload, @class, @retain, @livedMs, @sizeBytes, @sha)`
    for (const row of insert) {
      if (row.class === 'state')
        this.#gone(used, prepared<Gone>(db, states).all(upstream, row.topic, row.seq))
      const sizeBytes = outboxRowBytes(row)
      prepared(db, add).run({ ...row, upstream, sizeBytes, retain: row.retain ? 1 : 0, sha: hashOf(row) })
      used.rows++
      used.bytes += sizeBytes
      used.byClass[row.class]++
    }
    // Behind the rows: one may have arrived before it was written.
    const one = 'DELETE FROM outbox WHERE upstream = ? AND seq = ? RETURNING seq, class, sizeBytes'
    for (const seq of remove) this.#gone(used, prepared<Gone>(db, one).all(upstream, seq))
    for (const { topic, seq } of outdated)
      this.#gone(used, prepared<Gone>(db, states).all(upstream, topic, seq))
    const dropped = [
      ...this.#expire(upstream, used, livedMs - limits.maxAgeMs),
      ...this.#evict(upstream, used, limits.maxBytes),
    ]
    this.#note(upstream, livedMs, jobs)
    return { usage: this.#reading(upstream), dropped }
  }

  #expire(upstream: string, used: Usage, bornBeforeMs: number): DroppedRow[] {
    const oldest = `SELECT seq, livedMs FROM outbox WHERE upstream = ? AND class = ? ORDER BY seq LIMIT ${rowsAtATime}`
    const remove = `DELETE FROM outbox WHERE upstream = ? AND class = ? AND seq <= ? RETURNING seq, class, sizeBytes`
    const dropped: DroppedRow[] = []
    for (const kind of evictable) {
      for (let more = true; more; ) {
        const rows = prepared<{ seq: number; livedMs: number }>(this.#db, oldest).all(upstream, kind)
        const old = rows.filter(row => row.livedMs < bornBeforeMs)
        const upTo = old.at(-1)?.seq
        more = upTo !== undefined && old.length === rowsAtATime
        if (upTo === undefined) continue
        const gone = prepared<Gone>(this.#db, remove).all(upstream, kind, upTo)
        this.#gone(used, gone)
        dropped.push(...gone.map(row => ({ seq: row.seq, class: row.class, reason: 'age' as const })))
      }
    }
    return dropped
  }

  /** An empty state clears what stands above, and nothing else would: it goes with the messages. */
  #evict(upstream: string, used: Usage, maxBytes: number): DroppedRow[] {
    const dropped: DroppedRow[] = []
    if (used.bytes <= maxBytes) return dropped
    const which = (kind: (typeof evictable)[number]) =>
      ({ telemetry: `class = 'telemetry'`, state: `class = 'state' AND length(payload) > 0` })[
        kind as string
      ] ?? `class IN ('message', 'state')`
    for (const kind of evictable) {
      const sql = `DELETE FROM outbox WHERE upstream = ? AND seq IN
        (SELECT seq FROM outbox WHERE upstream = ? AND ${which(kind)} ORDER BY seq LIMIT ?) RETURNING seq, class, sizeBytes`
      while (used.bytes > maxBytes * evictTo) {
        const excess = used.bytes - maxBytes * evictTo
        const about = Math.max(1, Math.min(rowsAtATime, Math.floor(excess / (used.bytes / used.rows))))
        const gone = prepared<Gone>(this.#db, sql).all(upstream, upstream, about)
        if (gone.length === 0) break
        this.#gone(used, gone)
        dropped.push(...gone.map(row => ({ seq: row.seq, class: row.class, reason: 'space' as const })))
      }
    }
    return dropped
  }

  #note(upstream: string, livedMs: number, jobs: readonly string[]): void {
    const mark = `INSERT INTO marks (upstream, livedMs) VALUES (?, ?)
      ON CONFLICT (upstream) DO UPDATE SET livedMs = excluded.livedMs`
    prepared(this.#db, mark).run(upstream, livedMs)
    if (jobs.length === 0) return
    for (const job of jobs)
      prepared(this.#db, 'INSERT OR IGNORE INTO jobs (upstream, job) VALUES (?, ?)').run(upstream, job)
    const old = `DELETE FROM jobs WHERE upstream = ? AND id <=
      (SELECT id FROM jobs WHERE upstream = ? ORDER BY id DESC LIMIT 1 OFFSET ${maxJobs})`
    prepared(this.#db, old).run(upstream, upstream)
  }

  #gone(used: Usage, gone: readonly Gone[]): void {
    for (const row of gone) {
      used.rows--
      used.bytes -= row.sizeBytes
      used.byClass[row.class]--
    }
  }

  #used(upstream: string): Usage {
    const known = this.#usage.get(upstream)
    if (known !== undefined) return known
    const used: Usage = { rows: 0, bytes: 0, byClass: { telemetry: 0, state: 0, message: 0, result: 0 } }
    const sql = `SELECT class, count(*) AS rows, sum(sizeBytes) AS bytes FROM outbox WHERE upstream = ? GROUP BY class`
    type Row = { class: MessageClass; rows: number; bytes: number }
    for (const row of prepared<Row>(this.#db, sql).all(upstream)) {
      used.rows += row.rows
      used.bytes += row.bytes
      used.byClass[row.class] = row.rows
    }
    this.#usage.set(upstream, used)
    return used
  }

  #reading(upstream: string): OutboxUsage {
    const { rows, bytes, byClass } = this.#used(upstream)
    const sql = 'SELECT livedMs FROM outbox WHERE upstream = ? ORDER BY seq LIMIT 1'
    const oldest = prepared<{ livedMs: number }>(this.#db, sql).get(upstream)
    return { rows, bytes, byClass: { ...byClass }, oldestMs: oldest?.livedMs ?? null }
  }
}

const hashOf = ({ topic, payload }: Pick<OutboxRow, 'topic' | 'payload'>): Buffer =>
  sha256(Buffer.concat([Buffer.from(`${topic}\n`), payload]))
