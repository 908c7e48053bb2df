import type { Candidate, OpenOptions } from '../../pattern/candidate.ts'
import type { CandidateFacts } from '../../pattern/candidate-facts.ts'
import { chooseCandidate } from '../../pattern/choose.ts'
import { detectPattern } from '../../pattern/detect.ts'
import type { PatternLimits } from '../../pattern/limits.ts'
import { thumbnailPng } from '../../pattern/look/thumbnail.ts'
import { openPart } from '../../pattern/open-part.ts'
import { readingHint, wantedPart } from '../reading-hint.ts'
import { unwrap } from '../unwrap.ts'
import type { Reading } from '../upload-options.ts'

/** What a look at a file tells of it. */
export interface ArrivalLook {
  /** Every reading, best first. */
  readonly candidates: readonly CandidateFacts[]
  /** The reading that was asked for, else the one that is clearly right, else the best guess. */
  readonly index: number
  /** Nobody can tell which reading is meant. */
  readonly ambiguous: boolean
  /** PNG; null: the frames cannot be read. */
  readonly thumbnail: Uint8Array | null
}

/** Pixels of a side, and bytes: what is larger is not kept. */
const maxSide = 64
/** Pixels of a show that a thumbnail is drawn from. */
const maxShowBytes = 8 * 1024 * 1024
export const maxThumbnailBytes = 32 * 1024

/** Reads a file that comes in. Throws AppErrors of the pattern module; a file whose readings are many is none. */
export function readArrival(source: Uint8Array, reading: Reading, limits: PatternLimits): ArrivalLook {
  const candidates = unwrap(detectPattern(source, readingHint(reading), limits))
  const chosen = chooseCandidate(candidates, reading.candidate)
  const candidate = chosen.ok || reading.candidate !== undefined ? unwrap(chosen) : candidates[0]
  return {
    candidates: candidates.map(({ open: _open, ...facts }) => facts),
    index: candidate === undefined ? 0 : candidates.indexOf(candidate),
    ambiguous: !chosen.ok,
    thumbnail: candidate === undefined ? null : thumbnailOf(candidate, wantedPart(reading)),
  }
}

/** The same of a stored file, for its list entry. */
export const drawThumbnail = (
  source: Uint8Array,
  reading: Reading,
  limits: PatternLimits,
): Uint8Array | null => readArrival(source, reading, limits).thumbnail

/** A file that is a pattern up to its last frames is taken in all the same: compiling says what is wrong with it. */
function thumbnailOf(candidate: Candidate, part: OpenOptions): Uint8Array | null {
  const { width, height, byChannel = false, leds } = candidate
  const factor = width === null || height === null ? 1 : maxSide / Math.max(width, height)
  const side = (length: number) => Math.max(1, Math.round(length * factor))
  const scaleTo =
    width === null || height === null || factor >= 1
      ? undefined
      : { width: side(width), height: side(height) }
  // Of a whole show, which may be more than there is memory for, the beginning tells enough.
  const most = Math.max(1, Math.min(candidate.frames, Math.floor(maxShowBytes / (leds * 3))))
  const frames = part.frames ?? (byChannel ? { first: 0, count: most } : undefined)
  const pattern = openPart(candidate, { ...part, frames, scaleTo })
  if (!pattern.ok) return null
  const png = thumbnailPng(pattern.value, { maxSide })
  return png.length <= maxThumbnailBytes ? png : null
}
