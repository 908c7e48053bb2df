import type { CandidateFacts } from '../../pattern/candidate-facts.ts'
import type { PatternRecord } from '../../store/tables/pattern-record.ts'
import type { UploadOptions } from '../upload-options.ts'

/** How to read a stored file, as it was said when it came in. */
export type StoredReading = Pick<UploadOptions, 'candidate' | 'leds' | 'width' | 'height' | 'sourceWiring'>

/** What the list of patterns shows of a file's reading. */
export interface StoredFacts extends CandidateFacts {
  readonly index: number
  /** Nobody has said which of several readings is meant; this is the best guess. */
  readonly ambiguous: boolean
}

/** As it is stored; `{}`: nothing was said. */
export const readingText = ({ candidate, leds, width, height, sourceWiring }: StoredReading): string =>
  JSON.stringify({ candidate, leds, width, height, sourceWiring })

export const readingOf = ({ readingJson }: Pick<PatternRecord, 'readingJson'>): StoredReading =>
  JSON.parse(readingJson) as StoredReading

export const factsOf = ({ factsJson }: Pick<PatternRecord, 'factsJson'>): StoredFacts | null =>
  factsJson === null ? null : (JSON.parse(factsJson) as StoredFacts)

/**
 * The options of somebody who uses a stored file: what is not said now is as it was said when the file came in. An index goes with
 * the sizes that it was found with, so they are taken together or not at all.
 */
export function withStoredReading<T extends StoredReading & { readonly fileName?: string }>(
  pattern: Pick<PatternRecord, 'readingJson' | 'fileName'>,
  options: T,
): T & { readonly fileName: string } {
  const { candidate, leds, width, height } = options
  const said = [candidate, leds, width, height].some(value => value !== undefined)
  const { sourceWiring, ...stored } = readingOf(pattern)
  return {
    ...options,
    ...(said ? {} : stored),
    sourceWiring: options.sourceWiring ?? sourceWiring,
    fileName: options.fileName ?? pattern.fileName,
  }
}
