/**
 * What a NOR flash holds when the supply fails in the middle of an operation. `random` yields 0 … 1 and decides how far
 * it came; the same sequence tears in the same way.
 */

const byteBelow = (random: () => number): number => Math.floor(random() * 256)

/**
 * A program operation that was cut: each bit is as it was or as it was wanted. Bytes are programmed in order or, within
 * a page, all together; both are seen, each in half of the cuts. `wanted` is `before AND data`.
 */
export function tornProgram(before: Uint8Array, wanted: Uint8Array, random: () => number): Uint8Array {
  const after = before.slice()
  if (random() < 0.5) {
    const done = Math.floor(random() * before.length)
    after.set(wanted.subarray(0, done))
    after[done] = mix(before[done] ?? 0, wanted[done] ?? 0, byteBelow(random))
    return after
  }
  for (let i = 0; i < after.length; i++) after[i] = mix(before[i] ?? 0, wanted[i] ?? 0, byteBelow(random))
  return after
}

/**
 * An erase of one unit that was cut. A chip first programs the unit to zeros and then erases it, so a cut leaves one of:
 * a part zeroed and the rest as it was; some bits of the zeroed or of the former contents set; a part 0xFF already.
 */
export function tornErase(before: Uint8Array, random: () => number): Uint8Array {
  const after = before.slice()
  const done = Math.floor(random() * (before.length + 1))
  const phase = Math.floor(random() * 4)
  if (phase === 0) after.fill(0x00, 0, done)
  else if (phase === 1) after.fill(0xff, 0, done)
  else
    for (let i = 0; i < after.length; i++) after[i] = (phase === 2 ? (before[i] ?? 0) : 0) | byteBelow(random)
  return after
}

const mix = (before: number, wanted: number, taken: number): number => (before & ~taken) | (wanted & taken)
