import type { Database } from 'better-sqlite3'
import { read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'

/** Who did what, and what came of it. */
export interface AuditRecord {
  readonly atMs: number
  readonly actorKind: string
  readonly actorId: string | null
  readonly actorName: string | null
  readonly action: string
  readonly resource: string
  readonly outcome: string
  readonly beforeJson: string | null
  readonly afterJson: string | null
  readonly address: string
  readonly agent: string
  readonly requestId: string | null
}

export interface StoredAudit extends AuditRecord {
  readonly seq: number
}

export interface AuditQuery {
  readonly actorId?: string | undefined
  readonly actorName?: string | undefined
  readonly action?: string | undefined
  /** Exactly this; one without a slash: all below it. */
  readonly resource?: string | undefined
  readonly outcome?: string | undefined
  readonly sinceMs?: number | undefined
  readonly untilMs?: number | undefined
  readonly limit: number
  readonly skip: number
  /** Only what stands after this entry in the list. */
  readonly after?: { readonly atMs: number; readonly seq: number } | undefined
}

export const maxAuditRows = 100_000
/** Removed at once, so that a full log does not say with each entry that one went. */
const trimmedAtOnce = 1_000

const columns = `atMs, actorKind, actorId, actorName, action, resource, outcome, beforeJson, afterJson, address, agent, requestId`
const insertSql = `INSERT INTO audit (${columns}, area) VALUES (@atMs, @actorKind, @actorId, @actorName, @action, @resource,
  @outcome, @beforeJson, @afterJson, @address, @agent, @requestId, @area)`

const areaOf = (resource: string): string => resource.split('/', 1)[0] ?? ''

/** The condition of a query with what is bound to it; the plan of each is one of the indexes, in the order of the list. */
export function auditWhere(query: AuditQuery): { readonly sql: string; readonly bound: object } {
  const { actorId, actorName, action, resource, outcome, sinceMs, untilMs } = query
  const area = resource?.includes('/') === false ? resource : undefined
  const exact = area === undefined ? resource : undefined
  const bound = { actorId, actorName, action, area, resource: exact, outcome }
  const parts = Object.entries(bound).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} = @${name}`],
  )
  if (sinceMs !== undefined) parts.push('atMs >= @sinceMs')
  if (untilMs !== undefined) parts.push('atMs < @untilMs')
  const all = Object.entries({ ...bound, sinceMs, untilMs }).filter(([, value]) => value !== undefined)
  return { sql: parts.join(' AND '), bound: Object.fromEntries(all) }
}

/** Newest first. */
export function auditPageSql(query: AuditQuery): string {
  const { sql } = auditWhere(query)
  const after = query.after === undefined ? '' : '(atMs, seq) < (@afterMs, @afterSeq)'
  const where = [sql, after].filter(part => part !== '').join(' AND ')
  return `SELECT seq, ${columns} FROM audit ${where === '' ? '' : `WHERE ${where}`}
    ORDER BY atMs DESC, seq DESC LIMIT @limit OFFSET @skip`
}

export function auditCountSql(query: AuditQuery): string {
  const { sql } = auditWhere(query)
  // Entries go at the old end alone, so without a condition the borders tell how many there are.
  return sql === ''
    ? 'SELECT coalesce((SELECT max(seq) FROM audit) - (SELECT min(seq) FROM audit) + 1, 0) AS count'
    : `SELECT count(*) AS count FROM audit WHERE ${sql}`
}

export const audit = {
  /** In order, all or none; the oldest go where there are too many, and an entry says so. */
  append: write((db, entries: readonly AuditRecord[]): void => {
    const insert = prepared(db, insertSql)
    for (const entry of entries) insert.run({ ...entry, area: areaOf(entry.resource) })
    const [last] = entries.slice(-1)
    if (last !== undefined) trim(db, last.atMs)
  }),

  page: read((db, query: AuditQuery): { entries: StoredAudit[]; total: number } => {
    const { limit, skip, after } = query
    const { bound } = auditWhere(query)
    const place = { limit, skip, afterMs: after?.atMs ?? 0, afterSeq: after?.seq ?? 0 }
    return {
      entries: prepared<StoredAudit>(db, auditPageSql(query)).all({ ...bound, ...place }),
      total: prepared<{ count: number }>(db, auditCountSql(query)).get(bound)?.count ?? 0,
    }
  }),
}

function trim(db: Database, nowMs: number): void {
  const borders = prepared<{ first: number | null; last: number | null }>(
    db,
    'SELECT (SELECT min(seq) FROM audit) AS first, (SELECT max(seq) FROM audit) AS last',
  ).get()
  const { first, last } = { first: borders?.first ?? 0, last: borders?.last ?? 0 }
  if (last - first + 1 <= maxAuditRows) return
  const upTo = last - maxAuditRows + trimmedAtOnce
  const sql = 'SELECT atMs FROM audit WHERE seq <= ? ORDER BY seq DESC LIMIT 1'
  const newestGone = prepared<{ atMs: number }>(db, sql).get(upTo)?.atMs ?? nowMs
  const { changes } = prepared(db, 'DELETE FROM audit WHERE seq <= ?').run(upTo)
  prepared(db, insertSql).run({
    ...{ atMs: nowMs, actorKind: 'system', actorId: null, actorName: null, action: 'trimAudit' },
    ...{ area: 'audit', resource: 'audit', outcome: 'ok', beforeJson: null, address: 'local', agent: '' },
    afterJson: JSON.stringify({ removed: changes, upTo: new Date(newestGone).toISOString() }),
    requestId: null,
  })
}
