import { HttpFault } from './problem.ts'

/** A SHA-256 in hexadecimal as Content-Digest and Repr-Digest say it (RFC 9530 §2). */
export const hexDigest = (sha256: string): string =>
  `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`

/**
 * The SHA-256 that a Content-Digest header promises (RFC 9530 §2), as hexadecimal digits; undefined when there is none or
 * only of other kinds, which the RFC lets us ignore. Throws 400 for one that cannot be read.
 */
export function contentDigest(header: string): string | undefined {
  for (const member of header.split(',')) {
    const [, algorithm = '', value = ''] = /^\s*([a-z*][a-z0-9_.*-]*)=(\S*?)\s*$/.exec(member) ?? []
    if (algorithm !== 'sha-256') continue
    // A byte sequence of structured fields (RFC 9651 §3.3.5).
    const [, base64 = ''] = /^:([A-Za-z0-9+/]{43}=):$/.exec(value) ?? []
    const bytes = Buffer.from(base64, 'base64')
    if (bytes.length === 32) return bytes.toString('hex')
    throw new HttpFault(400, 'Content-Digest must be as in RFC 9530: sha-256=:BASE64 of 32 bytes:')
  }
  return undefined
}
