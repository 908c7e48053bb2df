import type { Context } from 'koa'
import { acceptsGzip } from './accepts-gzip.ts'
import { gzipFromBytes } from './packed-answers.ts'
import { etagOf, matchesNone, packedEtag } from './preconditions.ts'
import type { StoredAnswer } from './response-cache.ts'

/** Seconds after which a caller may try again who was told that something does not work now. */
const retryAfterSeconds = '5'
const none = Buffer.alloc(0)

type Headers = StoredAnswer['headers']

/** A body as it goes out: serialised once, with its strong validator. */
export function storedAnswer(status: number, body: unknown, headers: Headers = {}): StoredAnswer {
  if (body === undefined) return { status, body: none, etag: '', headers, gzip: undefined }
  const bytes = Buffer.from(JSON.stringify(body))
  return { status, body: bytes, etag: etagOf(bytes), headers, gzip: undefined }
}

/** Whether a packed form would be sent to this caller. */
export const wantsGzip = ({ method, req }: Context, { status, body }: StoredAnswer): boolean =>
  status === 200 &&
  isLook(method) &&
  body.byteLength >= gzipFromBytes &&
  acceptsGzip(req.headers['accept-encoding'])

const isLook = (method: string): boolean => method === 'GET' || method === 'HEAD'

/** Sends it, or 304 where the caller has these bytes already. `secret`: nobody may store it. */
export function sendAnswer(ctx: Context, answer: StoredAnswer, secret = false): void {
  const { res } = ctx
  const { status, body, etag, headers, gzip } = answer
  ctx.status = status
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (status === 503 && !res.hasHeader('Retry-After')) res.setHeader('Retry-After', retryAfterSeconds)
  if (body.byteLength === 0) {
    sendEmpty(ctx, status)
    return
  }
  if (status === 200 && isLook(ctx.method) && !secret) {
    const packed = gzip !== undefined && wantsGzip(ctx, answer)
    const validator = packed ? packedEtag(etag) : etag
    if (body.byteLength >= gzipFromBytes) ctx.vary('Accept-Encoding')
    res.setHeader('Cache-Control', 'private, no-cache')
    res.setHeader('ETag', validator)
    if (matchesNone(ctx.req.headers['if-none-match'], validator)) {
      ctx.status = 304
      return
    }
    if (packed) {
      res.setHeader('Content-Encoding', 'gzip')
      res.setHeader('Content-Type', 'application/json; charset=utf-8')
      ctx.body = gzip
      return
    }
  }
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  ctx.body = body
}

/** Koa makes a 204 of no body, and a text of a status without one. */
export function sendEmpty(ctx: Context, status: number): void {
  ctx.body = null
  ctx.status = status
}
