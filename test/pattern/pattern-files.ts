import { existsSync, readFileSync } from 'node:fs'
import type { Result } from '../../src/kernel/result.ts'
import type { Candidate, ImportHint, OpenOptions } from '../../src/pattern/candidate.ts'
import { detectPattern } from '../../src/pattern/detect.ts'
import type { PatternFault } from '../../src/pattern/fault.ts'
import type { PatternLimits } from '../../src/pattern/limits.ts'
import type { Pattern } from '../../src/pattern/pattern.ts'

const shared = new URL('../../../shared/samples/', import.meta.url)
const own = new URL('../../samples/', import.meta.url)

/** For `t.test` options: the reason to skip, or false. */
export const withoutSamples = existsSync(shared) ? false : 'third-party files: ../shared/samples is absent'

export const sharedSample = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, shared)))
export const sharedPath = (name: string): string => new URL(name, shared).pathname
export const ownSample = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, own)))
export const ownPath = (name: string): string => new URL(name, own).pathname

export function value<T>(result: Result<T, PatternFault>): T {
  if (!result.ok) throw new Error(`unexpected fault: ${result.fault.message}`)
  return result.value
}

export function fault<T>(result: Result<T, PatternFault>): PatternFault {
  if (result.ok) throw new Error('a fault was expected')
  return result.fault
}

export const detect = (
  bytes: Uint8Array,
  hint: ImportHint = {},
  limits?: PatternLimits,
): readonly Candidate[] => value(detectPattern(bytes, hint, limits))

/** The best reading, opened. */
export function openBest(bytes: Uint8Array, hint: ImportHint = {}, options?: OpenOptions): Pattern {
  const [best] = detect(bytes, hint)
  if (best === undefined) throw new Error('no candidate')
  return value(best.open(options))
}

export const u16le = (...values: readonly number[]): readonly number[] =>
  values.flatMap(value => [value & 0xff, value >> 8])

/** Numbers 0 … 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
