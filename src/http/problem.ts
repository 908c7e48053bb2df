import { STATUS_CODES } from 'node:http'
import type { Context } from 'koa'
import { AppError, type ErrorCode, httpStatus } from '../kernel/errors.ts'

/** RFC 9457, with `code` (the name that the CLI and the log use too) and `requestId` (to find the log's lines). */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode | 'internal'
  readonly requestId: string
  /** `candidates`, `faults` …: what AppError.detail holds, where the caller can act on it. */
  readonly [extension: string]: unknown
}

/** A status of HTTP's own that no AppError stands for: a method or a content type that the route does not know. */
export class HttpFault extends Error {
  readonly status: 400 | 404 | 405 | 412 | 415

  constructor(status: 400 | 404 | 405 | 412 | 415, message: string) {
    super(message)
    this.name = 'HttpFault'
    this.status = status
  }
}

/** Seconds after which a caller may try again: what is full empties at once, a port or a disk takes a while. */
const retryAfterSeconds = { overloaded: '1', other: '5' }

/** Headers that belong to a problem, wherever it is written. */
export function problemHeaders({ code, status, ...rest }: Problem): Readonly<Record<string, string>> {
  if (code === 'overloaded') return { 'Retry-After': retryAfterSeconds.overloaded }
  if (status === 503) return { 'Retry-After': retryAfterSeconds.other }
  if (code === 'rate_limited')
    return { 'Retry-After': String(Math.ceil(Number(rest['retryAfterMs'] ?? 1000) / 1000)) }
  // Bearer, as a browser would ask for a name and a password of its own accord with Basic (RFC 6750 §3).
  if (code === 'unauthenticated') return { 'WWW-Authenticate': 'Bearer realm="pixelgate"' }
  return {}
}

/** What was thrown, as a problem. Bugs say nothing about themselves: their words go to the log. */
export function toProblem(thrown: unknown, requestId: string): Problem {
  if (thrown instanceof HttpFault) {
    return problem(thrown.status, thrown.status === 404 ? 'not_found' : 'usage', thrown.message, requestId)
  }
  if (thrown instanceof AppError) {
    const status = httpStatus(thrown.code)
    return problem(status, thrown.code, thrown.message, requestId, status < 500 ? thrown.detail : undefined)
  }
  const detail = 'The gateway has a fault of its own. Its log has the details under this request id.'
  return problem(500, 'internal', detail, requestId)
}

function problem(
  status: number,
  code: Problem['code'],
  detail: string,
  requestId: string,
  extensions: Readonly<Record<string, unknown>> = {},
): Problem {
  return {
    ...extensions,
    type: 'about:blank',
    title: STATUS_CODES[status] ?? (status === 460 ? 'Checksum Mismatch' : 'Error'),
    status,
    detail,
    code,
    requestId,
  }
}

export function sendProblem(ctx: Context, problem: Problem): void {
  ctx.status = problem.status
  ctx.body = JSON.stringify(problem)
  ctx.type = 'application/problem+json'
  ctx.set(problemHeaders(problem))
}
