import { createHash, randomBytes } from 'node:crypto'

/** Says what it is, so that people and scanners know a token that got where it should not be. */
const prefix = 'pgt_'
const shape = /^pgt_[A-Za-z0-9_-]{43}[A-Za-z0-9_-]{6}$/
const checkLength = 6
/** Characters by which its owner knows a token again. */
const shownLength = prefix.length + 6

/** `pgt_`, 256 random bits as base64url, and 36 bits of a checksum: what only looks like a token is told from one without asking. */
export function makeApiToken(): string {
  const body = prefix + randomBytes(32).toString('base64url')
  return body + checkOf(body)
}

/** Whether a token claims to be one of these. */
export const isApiToken = (token: string): boolean => token.startsWith(prefix)

/** Hexadecimal SHA-256; undefined for what cannot be one. A fast hash does, as nobody guesses 256 bits. */
export function apiTokenHash(token: string): string | undefined {
  if (!shape.test(token) || checkOf(token.slice(0, -checkLength)) !== token.slice(-checkLength))
    return undefined
  return createHash('sha256').update(token).digest('hex')
}

export const shownPrefix = (token: string): string => token.slice(0, shownLength)

/** The first characters of the SHA-256 of all before it. */
const checkOf = (body: string): string =>
  createHash('sha256').update(body).digest('base64url').slice(0, checkLength)
