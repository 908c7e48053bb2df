import { randomFillSync } from 'node:crypto'

declare const brand: unique symbol
type Branded<B extends string> = string & { readonly [brand]: B }

/** UUID of a board as 32 lower-case hexadecimal digits with hyphens (RFC 9562). */
export type BoardId = Branded<'BoardId'>
/** UUIDv7 of a job. */
export type JobId = Branded<'JobId'>
/** UUIDv7 of a stored pattern. */
export type PatternId = Branded<'PatternId'>

export const boardId = (text: string): BoardId => text as BoardId
export const jobId = (text: string): JobId => text as JobId
export const patternId = (text: string): PatternId => text as PatternId

/** Bytes of a UUID in its text form. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/** The 16 bytes of a UUID, with or without hyphens; undefined when the text is no UUID. */
export function parseUuid(text: string): Uint8Array | undefined {
  const hex = text.replaceAll('-', '')
  return /^[0-9a-f]{32}$/i.test(hex) ? new Uint8Array(Buffer.from(hex, 'hex')) : undefined
}

const pool = Buffer.alloc(10 * 256)
let used = pool.length

/** Asking the system for so few bytes at a time costs more than all the rest of an id. */
function pooledBytes(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += 10
  return pool.subarray(used - 10, used)
}

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of wall time in ms, then random bits, so ids sort by creation. */
export function uuidV7(wallTimeMs: number, random: Uint8Array = pooledBytes()): string {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint32(0, Math.floor(wallTimeMs / 0x10000))
  new DataView(bytes.buffer).setUint16(4, wallTimeMs % 0x10000)
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return formatUuid(bytes)
}
