import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Signatures of calls between programs after the Standard Webhooks specification 1.0.0
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): HMAC-SHA256 over
 * `id.timestamp.body`, in `webhook-signature` as `v1,BASE64`, several of them with spaces between.
 */
export type SignedHeaders = {
  readonly 'webhook-id': string
  /** Seconds since 1970-01-01 UTC. */
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

/** As a request has them. */
export type CallHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export type SignatureFault = 'incomplete' | 'too_old' | 'too_new' | 'wrong'

/** Clocks may differ so much, and a call may take so long. */
export const toleranceMs = 5 * 60_000

const prefix = 'whsec_'
const secretBytes = 32
const version = 'v1'
/** Of the id: it is stored, and stands in the log. */
const idShape = /^[\x21-\x7e]{1,256}$/
const maxSignatures = 16

/** 256 random bits as the specification writes them: `whsec_` and base64. */
export const makeSecret = (): string => prefix + randomBytes(secretBytes).toString('base64')

/** The key of a secret in its written form; undefined: it is none of 24 to 64 bytes. */
export function keyOf(secret: string): Buffer | undefined {
  if (!secret.startsWith(prefix)) return undefined
  const text = secret.slice(prefix.length)
  const key = Buffer.from(text, 'base64')
  const isWhole = key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
  return isWhole && key.length >= 24 && key.length <= 64 ? key : undefined
}

/** Headers of a message; `atMs` is wall time. */
export function sign(key: Uint8Array, id: string, atMs: number, body: Uint8Array): SignedHeaders {
  const timestamp = String(Math.floor(atMs / 1000))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `${version},${mac(key, id, timestamp, body).toString('base64')}`,
  }
}

/** undefined: the call is from somebody who has the key, and it is of now. Compares in constant time, over the bytes as they came. */
export function signatureFault(
  key: Uint8Array,
  headers: CallHeaders,
  body: Uint8Array,
  nowMs: number,
): SignatureFault | undefined {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signatures = headers['webhook-signature']
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string')
    return 'incomplete'
  if (!idShape.test(id) || !/^\d{1,12}$/.test(timestamp)) return 'incomplete'
  const expected = mac(key, id, timestamp, body)
  let right = false
  for (const each of signatures.split(' ').slice(0, maxSignatures)) {
    const [kind, text = ''] = each.split(',')
    const shown = Buffer.from(text, 'base64')
    // Every one is compared, so that the time tells nothing about which was right.
    if (kind === version && shown.length === expected.length && timingSafeEqual(shown, expected)) right = true
  }
  if (!right) return 'wrong'
  const atMs = Number(timestamp) * 1000
  if (atMs < nowMs - toleranceMs) return 'too_old'
  return atMs > nowMs + toleranceMs ? 'too_new' : undefined
}

function mac(key: Uint8Array, id: string, timestamp: string, body: Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
}
