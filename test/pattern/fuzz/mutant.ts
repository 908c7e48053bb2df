import { defaultLimits, type PatternLimits } from '../../../src/pattern/limits.ts'
import { seeded } from '../pattern-files.ts'
import type { IntactFile } from './corpus.ts'
import { mutate } from './mutate.ts'

export interface Mutant {
  readonly name: string
  readonly bytes: Uint8Array
  readonly limits: PatternLimits
}

/** Larger files get a fortieth of the turns of small ones: reading one takes as long as a hundred of those. */
const largeBytes = 60_000
const turns = 40
/** What is larger than these must be refused before memory is taken for it. */
const tightLimits: PatternLimits = { ...defaultLimits, maxBytes: 2 * 1024 * 1024 }

/** The damaged file that a seed stands for, among these files; half of them meet tight limits. */
export function mutantOf(files: readonly IntactFile[], seed: number): Mutant {
  const random = seeded(seed)
  const weights = files.map(({ bytes }) => (bytes.length > largeBytes ? 1 : turns))
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0)
  const file = files.find((_, at) => {
    left -= weights[at] ?? 0
    return left < 0
  })
  if (file === undefined) throw new Error('there are no files to damage')
  const limits = random() < 0.5 ? tightLimits : defaultLimits
  return { name: file.name, bytes: mutate(file.bytes, random), limits }
}
