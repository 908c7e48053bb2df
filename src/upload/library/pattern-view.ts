import type { PatternArrival, PatternRecord } from '../../store/tables/pattern-record.ts'
import type { ArrivalView, PatternView } from '../../wire/pattern.ts'
import { factsOf, readingOf } from './stored-reading.ts'

/** A stored pattern as the API shows it. */
export function patternView(pattern: PatternRecord): PatternView {
  const { id, name, fileName, version, latest, versions, tags, sizeBytes, format, raw } = pattern
  const facts = factsOf(pattern)
  return {
    ...{ id, name, fileName, version, latest, versions, tags },
    sha256: pattern.sourceSha,
    ...{ sizeBytes, format, raw },
    width: facts?.width ?? null,
    height: facts?.height ?? null,
    leds: facts?.leds ?? null,
    frames: facts?.frames ?? null,
    durationMs: facts?.durationMs ?? null,
    ambiguous: facts?.ambiguous ?? false,
    reading: readingOf(pattern),
    thumbnail: pattern.thumbnailSha,
    createdAt: new Date(pattern.createdMs).toISOString(),
  }
}

export const arrivalView = ({ arrivedMs, readingJson, ...arrival }: PatternArrival): ArrivalView => ({
  ...arrival,
  reading: readingOf({ readingJson }),
  arrivedAt: new Date(arrivedMs).toISOString(),
})
