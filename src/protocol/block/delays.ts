import { fail, ok, type Result } from '../../kernel/result.ts'
import type { BlockFault } from './block-fault.ts'
import { type Cursor, pushVarint, readVarint } from './varint.ts'

/** Delays of the frames of a block, in ms, as runs of equal ones (SPEC §10.6). */
export function encodeDelays(delaysMs: readonly number[]): Uint8Array {
  const bytes: number[] = []
  for (let from = 0; from < delaysMs.length; ) {
    const delayMs = delaysMs[from] as number
    let to = from + 1
    while (delaysMs[to] === delayMs) to++
    pushVarint(bytes, to - from)
    pushVarint(bytes, delayMs)
    from = to
  }
  return Uint8Array.from(bytes)
}

/** Reads the delays of `frames` frames and leaves the cursor behind them. A run of no frames is invalid. */
export function decodeDelays(cursor: Cursor, frames: number): Result<number[], BlockFault> {
  const delaysMs: number[] = []
  while (delaysMs.length < frames) {
    const run = readVarint(cursor)
    const delayMs = readVarint(cursor)
    if (run <= 0 || delayMs < 0 || run > frames - delaysMs.length) return fail('bad-delays')
    for (let frame = 0; frame < run; frame++) delaysMs.push(delayMs)
  }
  return ok(delaysMs)
}
