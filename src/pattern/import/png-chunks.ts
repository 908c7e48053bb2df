import { crc32 } from 'node:zlib'
import { fail, ok, type Result } from '../../kernel/result.ts'
import { invalidAt, type PatternFault } from '../fault.ts'

/** A chunk as it lies in the file; `data` is a view. */
export interface PngChunk {
  readonly offset: number
  readonly type: string
  readonly data: Uint8Array
}

const signature = '\x89PNG\r\n\x1a\n'

export const isPng = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, signature.length)).toString('latin1') === signature

export const u32be = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0

export const u16be = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

/**
 * Calls `take` with each chunk up to and with IEND (PNG 3rd edition, §5.3) and stops at the first fault. Length, type and CRC-32 of every chunk are
 * checked; what follows IEND is nobody's.
 */
export function eachPngChunk(
  bytes: Uint8Array,
  take: (chunk: PngChunk) => PatternFault | undefined,
): Result<true, PatternFault> {
  let at = signature.length
  for (;;) {
    if (at + 12 > bytes.length) {
      const where = at === bytes.length ? 'before its last chunk (IEND)' : 'inside a chunk'
      return fail(invalidAt(bytes.length, `the PNG ends ${where}; it was cut short, so get the whole file`))
    }
    const length = u32be(bytes, at)
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1')
    if (!/^[A-Za-z]{4}$/.test(type))
      return fail(
        invalidAt(at + 4, `'${printable(type)}' is no PNG chunk; expected four letters such as IDAT`),
      )
    const end = at + 8 + length
    if (end + 4 > bytes.length) {
      const message = `the ${type} chunk says ${length} bytes, but ${Math.max(0, bytes.length - at - 12)} follow; the PNG was cut short or is damaged`
      return fail(invalidAt(length > 0x7fffffff ? at : bytes.length, message))
    }
    const found = crc32(bytes.subarray(at + 4, end))
    const expected = u32be(bytes, end)
    if (found !== expected)
      return fail(
        invalidAt(
          end,
          `the CRC of the ${type} chunk is ${hex(expected)}, its bytes give ${hex(found)}: the file is damaged`,
        ),
      )
    const problem = take({ offset: at, type, data: bytes.subarray(at + 8, end) })
    if (problem !== undefined) return fail(problem)
    if (type === 'IEND') return ok(true)
    at = end + 4
  }
}

const hex = (value: number): string => value.toString(16).padStart(8, '0')
const printable = (text: string): string => text.replace(/[^ -~]/g, '?')
