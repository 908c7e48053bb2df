import { fail, ok, type Result } from '../kernel/result.ts'
import type { PatternFault } from './fault.ts'
import type { PatternLimits } from './limits.ts'

/** A file whose bytes can be asked for anywhere, so that a large one need not be in memory. */
export interface ByteSource {
  readonly sizeBytes: number
  /** The bytes from `offset`, fewer than `length` at the end of the file. May be a view of memory others read: never write to it. */
  read(offset: number, length: number): Uint8Array
}

/** A file that is in memory. */
export const bytesSource = (bytes: Uint8Array): ByteSource => ({
  sizeBytes: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
})

/** All bytes, for formats that are read in one piece; fault `too_large` above `maxFileBytes`. */
export function wholeFile(source: ByteSource, limits: PatternLimits): Result<Uint8Array, PatternFault> {
  if (source.sizeBytes <= limits.maxFileBytes) return ok(source.read(0, source.sizeBytes))
  const message = `the file has ${source.sizeBytes} bytes; ${limits.maxFileBytes} is the limit for its format`
  return fail({ kind: 'too_large', message })
}
