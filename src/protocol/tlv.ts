import { fail, ok, type Result } from '../kernel/result.ts'

/** `u8 tag, u8 length, value` for each entry (SPEC §2.2). Values are at most 255 bytes. */
export function encodeTlvs(entries: readonly (readonly [tag: number, value: Uint8Array])[]): Uint8Array {
  const parts = entries.flatMap(([tag, value]) => [Uint8Array.of(tag, value.length), value])
  return Buffer.concat(parts)
}

/** Values by tag; of a tag that comes twice the last counts. Fails when an entry runs past the end. */
export function decodeTlvs(bytes: Uint8Array): Result<ReadonlyMap<number, Uint8Array>, 'truncated'> {
  const values = new Map<number, Uint8Array>()
  let at = 0
  while (at < bytes.length) {
    const length = bytes[at + 1]
    const end = at + 2 + (length ?? 0)
    if (length === undefined || end > bytes.length) return fail('truncated')
    values.set(bytes[at] as number, bytes.subarray(at + 2, end))
    at = end
  }
  return ok(values)
}
