import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** Parameters of RFC 7914. Memory is 128 · N · r bytes. */
export interface ScryptCost {
  readonly logN: number
  readonly r: number
  readonly p: number
}

/** OWASP's second choice for scrypt: 32 MiB, about 170 ms on one core of a desktop. */
export const defaultScryptCost: ScryptCost = { logN: 15, r: 8, p: 3 }

const saltBytes = 16
const hashBytes = 32

/** `scrypt$15$8$3$salt$hash` with base64url; the cost stands in it, so that a later change keeps old passwords. */
export async function hashPassword(
  password: string,
  cost: ScryptCost = defaultScryptCost,
  salt: Uint8Array = randomBytes(saltBytes),
): Promise<string> {
  const hash = await derive(password, salt, cost)
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  return ['scrypt', cost.logN, cost.r, cost.p, text(salt), text(hash)].join('$')
}

/** Whether the password is the one that was hashed. Text of another shape is a damaged record and fits no password. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parts = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([\w-]{22})\$([\w-]{43})$/.exec(stored)
  if (parts === null) return false
  const [logN = 0, r = 0, p = 0] = parts.slice(1, 4).map(Number)
  const [salt, hash] = parts.slice(4).map(part => Buffer.from(part, 'base64url'))
  if (salt === undefined || hash === undefined) return false
  return timingSafeEqual(await derive(password, salt, { logN, r, p }), hash)
}

function derive(password: string, salt: Uint8Array, { logN, r, p }: ScryptCost): Promise<Buffer> {
  const cost = { N: 2 ** logN, r, p }
  const maxmem = 128 * r * (cost.N + p) + 1024 * 1024
  return new Promise((resolve, reject) => {
    // The same text may come in several forms of Unicode, from keyboard to keyboard (NIST SP 800-63B §5.1.1.2).
    scrypt(password.normalize('NFKC'), salt, hashBytes, { ...cost, maxmem }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}
