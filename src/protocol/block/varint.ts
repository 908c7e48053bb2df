/** Bytes being read one after the other; `at` is where the next one is. */
export interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

/** LEB128 of a number 0 … 2³² − 1 (SPEC §10.6). */
export function pushVarint(target: number[], value: number): void {
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target.push((rest % 0x80) | 0x80)
  target.push(rest)
}

/** Bytes that LEB128 takes for `value`. */
export const varintBytes = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5

/** The next varint, or -1 when it is cut off, longer than 5 bytes or above 2³² − 1. */
export function readVarint(cursor: Cursor): number {
  let value = 0
  for (let scale = 1; scale <= 0x10000000; scale *= 0x80) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) return -1
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value <= 0xffffffff ? value : -1
  }
  return -1
}
