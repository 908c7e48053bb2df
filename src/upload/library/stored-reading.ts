import type { CandidateFacts } from '../../pattern/candidate-facts.ts'
import type { PatternRecord } from '../../store/tables/pattern-record.ts'
import type { UploadOptions } from '../upload-options.ts'

/** How to read a stored file, as it was said when it came in. */
export type StoredReading = Pick<
  UploadOptions,
  'candidate' | 'leds' | 'width' | 'height' | 'sprite' | 'channels' | 'frames' | 'sourceWiring'
>

/** What the list of patterns shows of a file's reading. */
export interface StoredFacts extends CandidateFacts {
  readonly index: number
  /** Nobody has said which of several readings is meant; this is the best guess. */
  readonly ambiguous: boolean
}

/** As it is stored; `{}`: nothing was said. */
export const readingText = (reading: StoredReading): string => {
  const { candidate, leds, width, height, sprite, channels, frames, sourceWiring } = reading
  return JSON.stringify({ candidate, leds, width, height, sprite, channels, frames, sourceWiring })
}

export const readingOf = ({ readingJson }: Pick<PatternRecord, 'readingJson'>): StoredReading =>
  JSON.parse(readingJson) as StoredReading

export const factsOf = ({ factsJson }: Pick<PatternRecord, 'factsJson'>): StoredFacts | null =>
  factsJson === null ? null : (JSON.parse(factsJson) as StoredFacts)

/**
 * The options of somebody who uses a stored file. Who says nothing of candidate, sizes and channels gets the reading that was said when the
 * file came in; who does says all of it, for an index means something only with the sizes and channels that it was found with.
 */
export function withStoredReading<T extends StoredReading & { readonly fileName?: string }>(
  pattern: Pick<PatternRecord, 'readingJson' | 'fileName'>,
  options: T,
): T & { readonly fileName: string } {
  const { candidate, leds, width, height, sprite, channels } = options
  const said = [candidate, leds, width, height, sprite, channels].some(value => value !== undefined)
  const stored = said ? {} : readingOf(pattern)
  return {
    ...options,
    ...stored,
    sourceWiring: options.sourceWiring ?? stored.sourceWiring,
    frames: options.frames ?? stored.frames,
    fileName: options.fileName ?? pattern.fileName,
  }
}
