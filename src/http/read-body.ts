import { createHash } from 'node:crypto'
import { finished } from 'node:stream'
import type { Context } from 'koa'
import { AppError } from '../kernel/errors.ts'
import { HttpFault } from './problem.ts'

export interface Body {
  readonly bytes: Uint8Array
  /** Hexadecimal SHA-256 of the bytes. */
  readonly sha256: string
}

/** A body that is held in memory comes within this time. */
const bodyTimeoutMs = 60_000

/** A body that is encoded would have to be unpacked first, with caps of its own; nobody needs it here. */
export function refuseEncoded(ctx: Context): void {
  const encoding = ctx.get('content-encoding')
  if (encoding === '' || encoding === 'identity') return
  throw new HttpFault(415, `Send the body as it is, not with content-encoding ${encoding}.`)
}

/** Says "continue" to a caller that waits for it; the server leaves that to who reads the body. */
export function readOn(ctx: Context): void {
  if (ctx.get('expect').toLowerCase() === '100-continue') ctx.res.writeContinue()
}

export const bodyTooLarge = (sizeBytes: number, maxBytes: number): AppError =>
  new AppError('file_too_large', `The body has ${sizeBytes} bytes; at most ${maxBytes} are taken here.`, {
    detail: { sizeBytes, maxBytes },
  })

/**
 * The body, at most `maxBytes` of it. Of a larger one nothing more is kept, but it is read to its end (for as long as the
 * server's request timeout allows), for a caller that is still writing would miss an answer that comes before.
 */
export async function readBody(ctx: Context, maxBytes: number): Promise<Body> {
  refuseEncoded(ctx)
  readOn(ctx)
  const hash = createHash('sha256')
  let chunks: Uint8Array[] = []
  let sizeBytes = 0
  const late = setTimeout(() => ctx.req.destroy(), bodyTimeoutMs)
  try {
    await new Promise<void>((resolve, reject) => {
      ctx.req.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.byteLength
        if (sizeBytes > maxBytes) {
          chunks = []
          return
        }
        hash.update(chunk)
        chunks.push(chunk)
      })
      finished(ctx.req, { writable: false }, error => (error ? reject(wentAway(error)) : resolve()))
    })
  } finally {
    clearTimeout(late)
  }
  if (sizeBytes > maxBytes) throw bodyTooLarge(sizeBytes, maxBytes)
  return { bytes: Buffer.concat(chunks), sha256: hash.digest('hex') }
}

export const wentAway = (cause: unknown): AppError =>
  new AppError('cancelled', 'The caller went away before its body was complete.', { cause })
