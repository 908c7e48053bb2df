import { fail, ok, type Result } from '../kernel/result.ts'

/** Why bytes are no COBS code: a zero byte inside, a code that points past the end, or nothing at all. */
export type CobsFault = 'zero-byte' | 'truncated' | 'empty'

/** Longest run of bytes without a zero that one code stands for. */
const longestRun = 254
/** From this length on a native copy is faster than a loop. */
const worthCopying = 64

/** Bytes that `size` bytes take at most once encoded, delimiter not counted: one more for each 254 begun. */
export const cobsBound = (size: number): number => size + Math.max(1, Math.ceil(size / longestRun))

/**
 * Encodes the last `size` bytes of `buffer` towards its front, where it has `cobsBound(size) - size` bytes of room.
 * Writing never overtakes reading, so one buffer serves for both. Returns the length of the code.
 */
export function cobsEncodeInPlace(buffer: Uint8Array, from: number, size: number): number {
  const end = from + size
  let codeAt = 0
  let code = 1
  let write = 1
  for (let read = from; read < end; read++) {
    if (code > longestRun) {
      buffer[codeAt] = code
      codeAt = write++
      code = 1
    }
    const byte = buffer[read] as number
    if (byte === 0) {
      buffer[codeAt] = code
      codeAt = write++
      code = 1
    } else {
      buffer[write++] = byte
      code++
    }
  }
  buffer[codeAt] = code
  return write
}

/**
 * Decodes `source[from, to)` into `target`, which must have room for `to - from - 1` bytes.
 * Returns the decoded length, or -1 when the code is malformed.
 */
export function cobsDecodeInto(target: Uint8Array, source: Uint8Array, from: number, to: number): number {
  let read = from
  let write = 0
  while (read < to) {
    const code = source[read++] as number
    const end = read + code - 1
    if (code === 0 || end > to) return -1
    if (code > worthCopying) {
      target.set(source.subarray(read, end), write)
      write += code - 1
      read = end
    } else for (; read < end; read++) target[write++] = source[read] as number
    if (code <= longestRun && read < to) target[write++] = 0
  }
  return write
}

/** COBS without the delimiter (SPEC §1.1): the result holds no zero byte. */
export function cobsEncode(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(cobsBound(bytes.length))
  const from = buffer.length - bytes.length
  buffer.set(bytes, from)
  return buffer.subarray(0, cobsEncodeInPlace(buffer, from, bytes.length))
}

/** The bytes of a COBS code without its delimiter (SPEC §1.1). */
export function cobsDecode(code: Uint8Array): Result<Uint8Array, CobsFault> {
  if (code.length === 0) return fail('empty')
  if (code.includes(0)) return fail('zero-byte')
  const bytes = new Uint8Array(code.length - 1)
  const size = cobsDecodeInto(bytes, code, 0, code.length)
  return size < 0 ? fail('truncated') : ok(bytes.subarray(0, size))
}
