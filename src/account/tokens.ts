import { hash, randomBytes } from 'node:crypto'

/** 256 random bits as 43 characters of base64url. */
export const makeToken = (): string => randomBytes(32).toString('base64url')

const shape = /^[A-Za-z0-9_-]{43}$/

/** Hexadecimal SHA-256 of a token, or undefined for what cannot be one. A fast hash does, as nobody guesses 256 bits. */
export function tokenHash(token: string): string | undefined {
  return shape.test(token) ? hash('sha256', token) : undefined
}
