import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { parseUuid } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { AuditQuery, AuditRecord, StoredAudit } from '../store/tables/audit.ts'
import type { AuditEntryView } from '../wire/audit.ts'
import type { Principal } from './principal.ts'

/** Who did it, where it was no principal of the API. */
export interface Actor {
  /** As in Principal, or `mqtt`, `stranger`, `system`. */
  readonly kind: string
  readonly id: string | null
  readonly name: string | null
}

export interface AuditEvent {
  readonly action: string
  readonly resource: string
  readonly principal: Principal | Actor | undefined
  readonly address: string
  readonly agent: string
  readonly requestId: string | null
  /** `ok`, or the code of the error. */
  readonly outcome: string
  readonly before?: unknown
  readonly after?: unknown
}

export interface AuditPageQuery extends Omit<AuditQuery, 'actorId' | 'actorName' | 'after'> {
  /** Name or id. */
  readonly actor?: string | undefined
  readonly cursor?: string | undefined
}

export interface AuditLogParts {
  readonly store: Pick<Store, 'audit'>
  readonly clock: Clock
  readonly log: Log
  /** A copy without secrets. */
  readonly redact: (value: unknown) => unknown
}

/** Of the JSON of one side of a change, in bytes. */
const maxJsonBytes = 8 * 1024
const maxAgent = 200
const maxResource = 300
/** Entries of one write, and of those that wait for one. */
const entriesPerWrite = 200
const maxWaiting = 2_000
/** What anybody can cause without an account: so many a minute of one address, and of all. */
const strangersPerAddress = 10
const strangersInAll = 120
const retryMs = 5_000

interface Waiting {
  readonly record: AuditRecord
  readonly settle: () => void
  /** It stands in the log, since it could not be written. */
  isTold: boolean
}

/**
 * Writes down who did what. Entries go to the disk in the order in which they came, those that came meanwhile in one write. An entry
 * that cannot be written stays in memory and is tried again, and stands in the log as a whole: the change itself has happened and
 * is not undone, since boards cannot be unplayed.
 */
export class AuditLog {
  readonly #parts: AuditLogParts
  readonly #perAddress: RateLimit
  readonly #inAll: RateLimit
  #waiting: Waiting[] = []
  #isWriting = false
  #written: Promise<void> = Promise.resolve()
  /** Of the entry that came last. */
  #recorded: Promise<void> = Promise.resolve()
  #retry: Timer | undefined
  #failures = 0
  #suppressed = 0

  constructor(parts: AuditLogParts) {
    this.#parts = parts
    this.#perAddress = new RateLimit({ limit: strangersPerAddress, perMs: 60_000 }, parts.clock)
    this.#inAll = new RateLimit({ limit: strangersInAll, perMs: 60_000 }, parts.clock)
  }

  /** Writes that failed, entries that wait, and those of strangers that were left out, for metrics. */
  get stats(): { readonly failures: number; readonly waiting: number; readonly suppressed: number } {
    return { failures: this.#failures, waiting: this.#waiting.length, suppressed: this.#suppressed }
  }

  /** Resolves when the entry is on the disk, or when that has failed once and was reported. Never rejects. */
  record(event: AuditEvent): Promise<void> {
    if (this.#isTooMuch(event)) {
      this.#suppressed += 1
      return Promise.resolve()
    }
    const record = this.#recordOf(event)
    if (this.#waiting.length >= maxWaiting) {
      this.#failures += 1
      this.#parts.log.error({ entry: record }, 'an audit entry is in this log alone: too many wait')
      return Promise.resolve()
    }
    this.#recorded = new Promise(settle => {
      this.#waiting.push({ record, settle, isTold: false })
      this.#start()
    })
    return this.#recorded
  }

  /** Newest first, with all that was recorded before. Throws `usage` for what is no cursor. */
  async page({ actor, cursor, ...query }: AuditPageQuery): Promise<{
    readonly entries: readonly AuditEntryView[]
    readonly total: number
    readonly nextCursor: string | null
  }> {
    const isId = actor !== undefined && parseUuid(actor) !== undefined
    await this.#recorded
    const { entries, total } = await this.#parts.store.audit.page({
      ...query,
      ...{ actorId: isId ? actor : undefined, actorName: isId ? undefined : actor },
      after: cursor === undefined ? undefined : placeOf(cursor),
    })
    const last = entries.length < query.limit ? undefined : entries.at(-1)
    const nextCursor = last === undefined ? null : `${last.atMs}.${last.seq}`
    return { entries: entries.map(view), total, nextCursor }
  }

  /** Tries to write what still waits. */
  async stop(): Promise<void> {
    await this.#written
    this.#start()
    await this.#written
    this.#retry?.cancel()
  }

  #start(): void {
    if (this.#isWriting || this.#waiting.length === 0) return
    this.#isWriting = true
    this.#written = this.#write()
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, entriesPerWrite)
      try {
        await this.#parts.store.audit.append(batch.map(({ record }) => record))
      } catch (thrown) {
        this.#isWriting = false
        this.#failed(batch, toError(thrown))
        return
      }
      this.#waiting = this.#waiting.slice(batch.length)
      for (const { settle } of batch) settle()
    }
    this.#isWriting = false
  }

  #failed(batch: readonly Waiting[], error: Error): void {
    const { log, clock } = this.#parts
    this.#failures += 1
    for (const entry of batch) {
      if (!entry.isTold)
        log.error(
          { entry: entry.record, reason: error.message },
          'an audit entry could not be written; it is tried again',
        )
      entry.isTold = true
    }
    this.#retry?.cancel()
    this.#retry = clock.setTimer(retryMs, () => this.#start())
    // Nobody is kept waiting for a disk that is full; they stay in the list and go first at the next write.
    for (const { settle } of this.#waiting) settle()
  }

  #isTooMuch({ principal, outcome, address }: AuditEvent): boolean {
    if (
      outcome === 'ok' ||
      (principal !== undefined && principal.kind !== 'guest' && principal.kind !== 'stranger')
    )
      return false
    return this.#perAddress.take(address) > 0 || this.#inAll.take('all') > 0
  }

  #recordOf(event: AuditEvent): AuditRecord {
    const { principal, action, outcome, requestId, address } = event
    const text = (value: string, longest: number) => String(this.#parts.redact(value.slice(0, longest)))
    return {
      atMs: this.#parts.clock.wallTime(),
      actorKind: principal?.kind ?? 'stranger',
      actorId: principal?.id ?? null,
      actorName: principal?.name ?? null,
      action,
      resource: text(event.resource, maxResource),
      outcome,
      beforeJson: this.#json(event.before),
      afterJson: this.#json(event.after),
      address,
      agent: text(event.agent, maxAgent),
      requestId,
    }
  }

  #json(value: unknown): string | null {
    if (value === undefined || value === null) return null
    const json = JSON.stringify(this.#parts.redact(value)) ?? 'null'
    if (Buffer.byteLength(json) <= maxJsonBytes) return json
    return JSON.stringify({
      cut: true,
      sizeBytes: Buffer.byteLength(json),
      start: json.slice(0, maxJsonBytes / 4),
    })
  }
}

function placeOf(cursor: string): { readonly atMs: number; readonly seq: number } {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor)
  if (match === null)
    throw new AppError('usage', 'This is no cursor of the audit log. Begin with the first page again.')
  return { atMs: Number(match[1]), seq: Number(match[2]) }
}

const view = (row: StoredAudit): AuditEntryView => ({
  seq: row.seq,
  at: new Date(row.atMs).toISOString(),
  actor: { kind: row.actorKind, id: row.actorId, name: row.actorName },
  ...{ action: row.action, resource: row.resource, outcome: row.outcome },
  before: row.beforeJson === null ? null : JSON.parse(row.beforeJson),
  after: row.afterJson === null ? null : JSON.parse(row.afterJson),
  ...{ address: row.address, agent: row.agent, requestId: row.requestId },
})
