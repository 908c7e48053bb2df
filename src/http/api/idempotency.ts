import { createHash } from 'node:crypto'
import type { Context } from 'koa'
import type { Principal } from '../../account/principal.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError, httpStatus } from '../../kernel/errors.ts'
import { HttpFault } from '../problem.ts'
import type { Operation } from './operation.ts'
import type { StoredAnswer } from './response-cache.ts'

interface Request {
  readonly owner: string
  readonly keySha: string
  readonly fingerprint: string
  readonly runId: string
  readonly createdMs: number
  readonly expiresMs: number
}

interface Kept {
  readonly status: number
  readonly headersJson: string
  readonly kept: 'whole' | 'secret' | 'large'
  readonly body: Uint8Array | null
}

interface RepeatLimits {
  readonly ownRequests: number
  readonly ownBytes: number
  readonly requests: number
  readonly sizeBytes: number
}

/** Where requests with a key are noted; the table `repeatableRequests` of the store. */
export interface RepeatableRequests {
  begin(
    request: Request,
    limits: RepeatLimits,
  ): Promise<
    | { readonly is: 'new' | 'other' | 'running' | 'broken' | 'full' }
    | { readonly is: 'done'; readonly answer: Kept }
  >
  finish(request: Pick<Request, 'owner' | 'keySha'>, answer: Kept): Promise<void>
  forget(request: Pick<Request, 'owner' | 'keySha'>): Promise<void>
  /** How it ended is not known. */
  giveUp(request: Pick<Request, 'owner' | 'keySha'>): Promise<void>
}

export interface RepeatParts {
  readonly requests: RepeatableRequests
  readonly clock: Clock
  /** One of each run of the gateway. */
  readonly runId: string
}

export const keptForMs = 24 * 3_600_000
const largestKeptBytes = 64 * 1024
const limits: RepeatLimits = {
  ownRequests: 5_000,
  ownBytes: 8 * 2 ** 20,
  requests: 20_000,
  sizeBytes: 32 * 2 ** 20,
}

/** A String of structured fields (RFC 9651 §3.3.3), as the draft wants it, or the same text without its quotes. */
const shape = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,200})"|([A-Za-z0-9._~:+/=-]{1,200}))$/

/** undefined: the request has none. Throws `usage`. */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  const [, quoted, bare] = shape.exec(String(header)) ?? []
  const key = quoted ?? bare
  if (key !== undefined) return key
  throw new AppError(
    'usage',
    'Idempotency-Key must be a text of 1 to 200 characters in double quotes, such as a UUID that you make for each request.',
  )
}

/** Whether the operation takes a key: it acts, answers in one piece, and is not open to strangers. */
export const isRepeatable = ({ method, access, stream, repeatable }: Operation): boolean =>
  method === 'post' && access !== 'open' && stream === undefined && repeatable !== false

export interface Asked {
  readonly principal: Principal
  readonly key: string
  /** Hexadecimal SHA-256 of the body's bytes; of no bytes when there is none. */
  readonly bodySha256: string
}

/**
 * Does the work once for each key of a person, for 24 h, also when the gateway was started anew in between
 * (draft-ietf-httpapi-idempotency-key-header-07). What was refused was not done, so the key may be used again; after any other
 * fault, and after a cut, nobody knows, and that is what a repetition hears.
 */
export async function onlyOnce(
  { requests, clock, runId }: RepeatParts,
  ctx: Pick<Context, 'method' | 'path' | 'querystring'>,
  { principal, key, bodySha256 }: Asked,
  operation: Pick<Operation, 'secret'>,
  work: () => Promise<StoredAnswer>,
): Promise<StoredAnswer> {
  const createdMs = clock.wallTime()
  const request = {
    owner: `${principal.kind} ${principal.id}`,
    keySha: sha256(key),
    fingerprint: sha256(`${ctx.method} ${ctx.path}?${ctx.querystring} ${bodySha256}`),
    runId,
    createdMs,
    expiresMs: createdMs + keptForMs,
  }
  const begun = await requests.begin(request, limits)
  if (begun.is === 'done') return replay(begun.answer)
  if (begun.is !== 'new') throw refusals[begun.is]()
  let answer: StoredAnswer
  try {
    answer = await work()
  } catch (thrown) {
    if (isRefused(thrown)) await requests.forget(request)
    else await requests.giveUp(request)
    throw thrown
  }
  // What was done stays done when its answer cannot be kept; a repetition hears that it is not known.
  await requests.finish(request, toKeep(answer, operation)).catch(() => undefined)
  return answer
}

/** Whether nothing was done: a board that does not answer may have done what it was told. */
function isRefused(thrown: unknown): boolean {
  if (thrown instanceof HttpFault) return true
  if (!(thrown instanceof AppError)) return false
  if (thrown.code === 'link_lost' || thrown.code === 'some_boards_failed') return false
  const status = httpStatus(thrown.code)
  return status < 500 || status === 503 || thrown.detail?.['undone'] === true
}

function toKeep({ status, headers, body }: StoredAnswer, { secret }: Pick<Operation, 'secret'>): Kept {
  const kept = secret === true ? 'secret' : body.byteLength > largestKeptBytes ? 'large' : 'whole'
  const headersJson = JSON.stringify(kept === 'whole' ? headers : {})
  return { status, headersJson, kept, body: kept === 'whole' ? body : null }
}

function replay({ kept, status, headersJson, body }: Kept): StoredAnswer {
  if (kept === 'secret')
    throw new AppError(
      'conflict',
      'This was done already, and its secret was told then; it is not kept. Remove what was made and make a new one with another key.',
    )
  if (kept === 'large')
    throw new AppError(
      'conflict',
      'This was done already. Its answer was too large to be kept: read what it made.',
    )
  const headers = { ...JSON.parse(headersJson), 'Idempotency-Replayed': 'true' }
  return { status, headers, body: Buffer.from(body ?? []), etag: '', gzip: undefined }
}

const refusals = {
  other: () =>
    new AppError(
      'invalid',
      'This Idempotency-Key stands for another request. Make a new key for each request.',
      {
        detail: { errors: [{ path: 'Idempotency-Key', pointer: '', message: 'stands for another request' }] },
      },
    ),
  running: () =>
    new AppError('conflict', 'This request is being done at this moment. Ask again in a few seconds.'),
  broken: () =>
    new AppError(
      'conflict',
      'This was begun, and it is not known whether it was done. Look, and if it was not, send it with a new key.',
    ),
  full: () =>
    new AppError(
      'overloaded',
      'So many Idempotency-Keys are kept already. Send it without one, or wait a few hours.',
    ),
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
