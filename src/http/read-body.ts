import { createHash } from 'node:crypto'
import { finished } from 'node:stream'
import type { Context } from 'koa'
import type { z } from 'zod'
import { AppError } from '../kernel/errors.ts'
import { HttpFault } from './problem.ts'

export interface Body {
  readonly bytes: Uint8Array
  /** Hexadecimal SHA-256 of the bytes. */
  readonly sha256: string
}

const maxJsonBytes = 256 * 1024

/**
 * The body, at most `maxBytes` of it. Of a larger one nothing more is kept, but it is read to its end (for as long as the
 * server's request timeout allows), for a caller that is still writing would miss an answer that comes before.
 */
export function readBody(ctx: Context, maxBytes: number): Promise<Body> {
  const encoding = ctx.get('content-encoding')
  if (encoding !== '' && encoding !== 'identity') {
    return Promise.reject(
      new HttpFault(415, `Send the body as it is, not with content-encoding ${encoding}.`),
    )
  }
  const hash = createHash('sha256')
  let chunks: Uint8Array[] = []
  let sizeBytes = 0
  return new Promise((resolve, reject) => {
    ctx.req.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.byteLength
      if (sizeBytes > maxBytes) {
        chunks = []
        return
      }
      hash.update(chunk)
      chunks.push(chunk)
    })
    finished(ctx.req, { writable: false }, error => {
      if (error) {
        reject(
          new AppError('cancelled', 'The caller went away before its body was complete.', { cause: error }),
        )
      } else if (sizeBytes > maxBytes) {
        const message = `The body has ${sizeBytes} bytes; at most ${maxBytes} are taken here.`
        reject(new AppError('file_too_large', message, { detail: { sizeBytes, maxBytes } }))
      } else {
        resolve({ bytes: Buffer.concat(chunks), sha256: hash.digest('hex') })
      }
    })
  })
}

/** The JSON body as the schema gives it out; `usage` with all faults and their paths when it does not fit. */
export async function readJson<T extends z.ZodType>(
  ctx: Context,
  schema: T,
  maxBytes = maxJsonBytes,
): Promise<z.output<T>> {
  if (!ctx.is('application/json')) throw new HttpFault(415, 'Send JSON, with content-type application/json.')
  const { bytes } = await readBody(ctx, maxBytes)
  const parsed = schema.safeParse(parseJson(bytes))
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(issue => ({ path: issue.path.join('.'), message: issue.message }))
  const words = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  throw new AppError('usage', `The body does not fit: ${words.join('; ')}`, { detail: { faults } })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new AppError('usage', 'The body is no JSON.', { cause: error })
  }
}
