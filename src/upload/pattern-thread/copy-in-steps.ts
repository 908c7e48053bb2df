import { setImmediate as nextTurn } from 'node:timers/promises'

/** Half a millisecond. */
const stepBytes = 1024 * 1024

/** A copy with a buffer of its own. A large one is made in steps, so that it does not hold up the loop: 64 MiB take 40 ms. */
export async function copyInSteps(source: Uint8Array): Promise<Uint8Array> {
  const copy = new Uint8Array(source.byteLength)
  for (let at = 0; at < source.byteLength; at += stepBytes) {
    if (at > 0) await nextTurn()
    copy.set(source.subarray(at, at + stepBytes), at)
  }
  return copy
}
