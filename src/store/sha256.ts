import { createHash } from 'node:crypto'

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/** The key of a blob from its 64 hexadecimal digits; anything else is a bug of the caller. */
export function shaKey(hex: string): Buffer {
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new TypeError('a SHA-256 is 64 lower-case hexadecimal digits')
  return Buffer.from(hex, 'hex')
}

export const shaKeyOrNull = (hex: string | null): Buffer | null => (hex === null ? null : shaKey(hex))

export const shaHexOrNull = (key: Buffer | null): string | null => key?.toString('hex') ?? null
