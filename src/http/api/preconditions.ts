import { hash } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'

/** Of the packed form: each form is another sequence of bytes, and a strong validator names one (RFC 9110 §8.8.3.3). */
const packedMark = '-gzip'

/** Strong and quoted (RFC 9110 §8.8.3): 162 bits of the SHA-256 of the bytes. */
export const etagOf = (bytes: Uint8Array): string => `"${hash('sha256', bytes, 'base64url').slice(0, 27)}"`

export const packedEtag = (etag: string): string => `${etag.slice(0, -1)}${packedMark}"`

/** Whether If-None-Match names this validator; it compares weakly (RFC 9110 §13.1.2). */
export function matchesNone(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header === etag || header === '*') return true
  return header.split(',').some(each => {
    const said = each.trim()
    return said === etag || said === `W/${etag}`
  })
}

/**
 * For what changes a thing: `body` is what a GET of it answers at this moment, without `fields`. Throws `precondition_failed` when
 * If-Match was sent and names another state; it compares strongly (RFC 9110 §13.1.1).
 */
export function demandMatch(ifMatch: string | undefined, body: unknown): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return
  const etag = etagOf(Buffer.from(JSON.stringify(body)))
  const said = ifMatch.split(',').map(each => each.trim())
  if (said.includes(etag) || said.includes(packedEtag(etag))) return
  throw new AppError('precondition_failed', 'It was changed meanwhile. Read it again, then change it.', {
    detail: { etag },
  })
}
