import type { CandidateFacts } from '../../pattern/candidate-facts.ts'
import type { PatternRecord } from '../../store/tables/pattern-record.ts'
import type { UploadOptions } from '../upload-options.ts'

/** How to read a stored file, as it was said when it came in. */
export type StoredReading = Pick<
  UploadOptions,
  'candidate' | 'leds' | 'width' | 'height' | 'channels' | 'frames' | 'sourceWiring'
>

/** What the list of patterns shows of a file's reading. */
export interface StoredFacts extends CandidateFacts {
  readonly index: number
  /** Nobody has said which of several readings is meant; this is the best guess. */
  readonly ambiguous: boolean
}

/** As it is stored; `{}`: nothing was said. */
export const readingText = (reading: StoredReading): string => {
  const { candidate, leds, width, height, channels, frames, sourceWiring } = reading
  return JSON.stringify({ candidate, leds, width, height, channels, frames, sourceWiring })
}

export const readingOf = ({ readingJson }: Pick<PatternRecord, 'readingJson'>): StoredReading =>
  JSON.parse(readingJson) as StoredReading

export const factsOf = ({ factsJson }: Pick<PatternRecord, 'factsJson'>): StoredFacts | null =>
  factsJson === null ? null : (JSON.parse(factsJson) as StoredFacts)

/**
 * The options of somebody who uses a stored file: what is not said now is as it was said when the file came in. An index goes with
 * the sizes and channels that it was found with, so they are taken together or not at all.
 */
export function withStoredReading<T extends StoredReading & { readonly fileName?: string }>(
  pattern: Pick<PatternRecord, 'readingJson' | 'fileName'>,
  options: T,
): T & { readonly fileName: string } {
  const { candidate, leds, width, height, channels } = options
  const said = [candidate, leds, width, height, channels].some(value => value !== undefined)
  const { sourceWiring, frames, ...stored } = readingOf(pattern)
  return {
    ...options,
    ...(said ? {} : stored),
    sourceWiring: options.sourceWiring ?? sourceWiring,
    frames: options.frames ?? frames,
    fileName: options.fileName ?? pattern.fileName,
  }
}
