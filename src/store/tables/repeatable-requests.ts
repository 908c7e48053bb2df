import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import { write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { sha256, shaKey } from '../sha256.ts'

/** A request that its sender may send again. */
export interface RepeatableRequest {
  /** Whose it is. */
  readonly owner: string
  /** Hexadecimal SHA-256 of the key that the sender has chosen. */
  readonly keySha: string
  /** Hexadecimal SHA-256 of method, path, query and body. */
  readonly fingerprint: string
  /** Of the run of the gateway that does it. */
  readonly runId: string
  readonly createdMs: number
  readonly expiresMs: number
}

export interface RepeatableLimits {
  readonly ownRequests: number
  readonly ownBytes: number
  readonly requests: number
  readonly sizeBytes: number
}

/** What was answered. */
export interface KeptAnswer {
  readonly status: number
  readonly headersJson: string
  /** `secret` and `large` have no body. */
  readonly kept: 'whole' | 'secret' | 'large'
  readonly body: Uint8Array | null
}

export type BegunRequest =
  | { readonly is: 'new' | 'other' | 'running' | 'broken' | 'full' }
  | { readonly is: 'done'; readonly answer: KeptAnswer }

interface Row {
  readonly fingerprint: Buffer
  readonly runId: string
  readonly kept: KeptAnswer['kept'] | null
  readonly status: number
  readonly headersJson: string
  readonly body: Buffer | null
  readonly bodySha: Buffer | null
}

type Named = Pick<RepeatableRequest, 'owner' | 'keySha'>

/** Of a call's time; the rest goes with the next calls. */
const droppedAtOnce = 200

/** Requests with an Idempotency-Key: noted before the work begins, so that a cut in between is known. */
export const repeatableRequests = {
  /**
   * Notes a request. `running`: it is being done by this run; `broken`: a run before began it and never came to its end; `other`:
   * the key stands for another request; `full`: no more are kept. Rejects with `storage_failed` when the kept answer is damaged.
   */
  begin: write((db, request: RepeatableRequest, limits: RepeatableLimits): BegunRequest => {
    dropOld(db, request)
    const keySha = shaKey(request.keySha)
    const sql = `SELECT fingerprint, runId, kept, status, headersJson, body, bodySha FROM repeatableRequests
      WHERE owner = ? AND keySha = ?`
    const row = prepared<Row>(db, sql).get(request.owner, keySha)
    if (row !== undefined) return known(row, request)
    if (isFull(db, request.owner, limits)) return { is: 'full' }
    const insert = `INSERT INTO repeatableRequests (owner, keySha, fingerprint, runId, createdMs, expiresMs)
      VALUES (@owner, @keySha, @fingerprint, @runId, @createdMs, @expiresMs)`
    prepared(db, insert).run({ ...request, keySha, fingerprint: shaKey(request.fingerprint) })
    return { is: 'new' }
  }),

  finish: write((db, { owner, keySha }: Named, answer: KeptAnswer): void => {
    const { status, headersJson, kept, body } = answer
    const sql = `UPDATE repeatableRequests SET kept = @kept, status = @status, headersJson = @headersJson, body = @body,
      bodySha = @bodySha, sizeBytes = @sizeBytes WHERE owner = @owner AND keySha = @keySha`
    prepared(db, sql).run({
      owner,
      keySha: shaKey(keySha),
      kept,
      status,
      headersJson,
      body,
      bodySha: body && sha256(body),
      sizeBytes: headersJson.length + (body?.byteLength ?? 0),
    })
  }),

  /** It has ended, and nobody knows how: as if the gateway had stopped meanwhile. */
  giveUp: write((db, { owner, keySha }: Named): void => {
    const sql = "UPDATE repeatableRequests SET runId = '' WHERE owner = ? AND keySha = ? AND kept IS NULL"
    prepared(db, sql).run(owner, shaKey(keySha))
  }),

  /** Nothing was done: the key may be used again. */
  forget: write((db, { owner, keySha }: Named): void => {
    const sql = 'DELETE FROM repeatableRequests WHERE owner = ? AND keySha = ? AND kept IS NULL'
    prepared(db, sql).run(owner, shaKey(keySha))
  }),
}

/** Also what would be kept longer than it should, because the clock was ahead when it came. */
function dropOld(db: Database, { createdMs, expiresMs }: RepeatableRequest): void {
  const sql = `DELETE FROM repeatableRequests WHERE seq IN (
    SELECT seq FROM repeatableRequests WHERE expiresMs <= @createdMs OR expiresMs > @latestMs LIMIT ${droppedAtOnce})`
  prepared(db, sql).run({ createdMs, latestMs: expiresMs + 60_000 })
}

function known(row: Row, request: RepeatableRequest): BegunRequest {
  if (!row.fingerprint.equals(shaKey(request.fingerprint))) return { is: 'other' }
  const { kept, status, headersJson, body, bodySha } = row
  if (kept === null) return { is: row.runId === request.runId ? 'running' : 'broken' }
  if (body !== null && (bodySha === null || !sha256(body).equals(bodySha)))
    throw new AppError(
      'storage_failed',
      'The kept answer of this request is damaged. Look whether it was done.',
    )
  return { is: 'done', answer: { kept, status, headersJson, body } }
}

function isFull(db: Database, owner: string, limits: RepeatableLimits): boolean {
  const sum = 'SELECT count(*) AS requests, total(sizeBytes) AS sizeBytes FROM repeatableRequests'
  type Sum = { readonly requests: number; readonly sizeBytes: number }
  const own = prepared<Sum>(db, `${sum} WHERE owner = ?`).get(owner)
  const all = prepared<Sum>(db, sum).get()
  return (
    (own?.requests ?? 0) >= limits.ownRequests ||
    (own?.sizeBytes ?? 0) >= limits.ownBytes ||
    (all?.requests ?? 0) >= limits.requests ||
    (all?.sizeBytes ?? 0) >= limits.sizeBytes
  )
}
