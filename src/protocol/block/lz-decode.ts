import { fail, ok, type Result } from '../../kernel/result.ts'
import type { BlockFault } from './block-fault.ts'
import { type Cursor, readVarint } from './varint.ts'

/** Decodes an LZ stream of `sizeBytes` decoded bytes (SPEC §10.11); the cursor ends behind the last token. */
export function decodeLz(cursor: Cursor, sizeBytes: number): Result<Uint8Array, BlockFault> {
  const { bytes } = cursor
  const decoded = new Uint8Array(sizeBytes)
  let write = 0
  let d0 = 1
  let d1 = 1
  while (write < sizeBytes) {
    const token = bytes[cursor.at++]
    if (token === undefined) return fail('truncated')
    if (token < 0x80) {
      const end = cursor.at + token + 1
      if (end > bytes.length) return fail('truncated')
      if (token + 1 > sizeBytes - write) return fail('overrun')
      decoded.set(bytes.subarray(cursor.at, end), write)
      write += token + 1
      cursor.at = end
      continue
    }
    const repeated = token < 0xc0
    const n = token & (repeated ? 0x1f : 0x3f)
    let length = n + (repeated ? 2 : 3)
    if (n === (repeated ? 31 : 63)) {
      const more = readVarint(cursor)
      if (more < 0) return fail('truncated')
      length += more
    }
    if (!repeated) {
      const distance = readVarint(cursor)
      if (distance < 0) return fail('truncated')
      d1 = d0
      d0 = distance + 1
    } else if (token >= 0xa0) {
      const swapped = d0
      d0 = d1
      d1 = swapped
    }
    if (d0 > write) return fail('bad-distance')
    if (length > sizeBytes - write) return fail('overrun')
    for (const end = write + length; write < end; write++) decoded[write] = decoded[write - d0] as number
  }
  return ok(decoded)
}
