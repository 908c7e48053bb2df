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
 * The options of somebody who uses a stored file. Who says nothing of candidate and sizes gets the reading that was said when the file came
 * in; who does says all of it, for an index means something only with the sizes that it was found with.
 */
export function withStoredReading<T extends StoredReading & { readonly fileName?: string }>(
  pattern: Pick<PatternRecord, 'readingJson' | 'fileName'>,
  options: T,
): T & { readonly fileName: string } {
  const { candidate, leds, width, height } = options
  const said = [candidate, leds, width, height].some(value => value !== undefined)
  const stored = said ? {} : readingOf(pattern)
  return {
    ...options,
    ...stored,
    sourceWiring: options.sourceWiring ?? stored.sourceWiring,
    fileName: options.fileName ?? pattern.fileName,
  }
}
