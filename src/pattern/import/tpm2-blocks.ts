import { fail, ok, type Result } from '../../kernel/result.ts'
import { invalidAt, type PatternFault } from '../fault.ts'

/** A block of TPM2, or a packet of TPM2.net. */
export interface Tpm2Block {
  /** `other`: a command, an answer or a ping, which hold no pixels. */
  readonly kind: 'data' | 'other'
  readonly dataAt: number
  readonly dataBytes: number
  /** Where the next block begins. */
  readonly end: number
  /** 1 of 1 in TPM2, which has no packets. */
  readonly packet: number
  readonly packets: number
}

const serialStart = 0xc9
const netStart = 0x9c
const blockEnd = 0x36
const kinds: ReadonlyMap<number | undefined, Tpm2Block['kind']> = new Map([
  [0xda, 'data'],
  [0xc0, 'other'],
  [0xaa, 'other'],
])

/** Whether `bytes` at `at` may be the beginning of a block. */
export const beginsBlock = (bytes: Uint8Array, at: number): boolean =>
  (bytes[at] === serialStart || bytes[at] === netStart) && kinds.has(bytes[at + 1])

/**
 * The block at `at`: `C9 kind hi lo data 36`, or `9C kind hi lo packet packets data 36` (length big-endian); or a ping, `C9 AA`,
 * with or without its answer `AC`. Faults name the byte.
 */
export function tpm2Block(bytes: Uint8Array, at: number): Result<Tpm2Block, PatternFault> {
  const start = bytes[at]
  const net = start === netStart
  if (start !== serialStart && !net)
    return fail(invalidAt(at, `a block begins with C9 or 9C (hexadecimal), found ${hex(start)}`))
  const kind = kinds.get(bytes[at + 1])
  if (kind === undefined && at + 1 < bytes.length)
    return fail(
      invalidAt(at + 1, `${hex(bytes[at + 1])} is no kind of block; expected DA, C0 or AA (hexadecimal)`),
    )
  const ping = net ? undefined : pingEnd(bytes, at)
  if (ping !== undefined)
    return ok({ kind: 'other', dataAt: ping, dataBytes: 0, end: ping, packet: 1, packets: 1 })
  const dataAt = at + (net ? 6 : 4)
  const dataBytes = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
  const end = dataAt + dataBytes + 1
  if (kind === undefined || end > bytes.length) {
    const message = `the block at byte ${at} needs ${end - at} bytes, ${bytes.length - at} are left: the file was cut short`
    return fail(invalidAt(bytes.length, message))
  }
  if (bytes[end - 1] !== blockEnd)
    return fail(
      invalidAt(
        end - 1,
        `the block at byte ${at} ends with ${hex(bytes[end - 1])}, expected 36 (hexadecimal); record it again`,
      ),
    )
  const packet = net ? (bytes[at + 4] ?? 0) : 1
  const packets = net ? (bytes[at + 5] ?? 0) : 1
  return ok({ kind, dataAt, dataBytes, end, packet, packets })
}

/** A ping has no length: another block, its answer or the end follows at once. */
function pingEnd(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at + 1] !== 0xaa) return undefined
  const next = bytes[at + 2]
  if (next === 0xac) return at + 3
  return next === undefined || beginsBlock(bytes, at + 2) ? at + 2 : undefined
}

const hex = (byte: number | undefined): string =>
  byte === undefined ? 'nothing' : byte.toString(16).toUpperCase().padStart(2, '0')
