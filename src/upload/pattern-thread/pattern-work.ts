import type { CandidateFacts } from '../../pattern/candidate-facts.ts'
import { chooseCandidate } from '../../pattern/choose.ts'
import { detectPattern } from '../../pattern/detect.ts'
import { patternError } from '../../pattern/fault.ts'
import type { PatternLimits } from '../../pattern/limits.ts'
import { missingPart } from '../../pattern/open-part.ts'
import { fitPattern } from '../fit/fit-pattern.ts'
import { type ImageOrder, prepare } from '../prepare.ts'
import { drawBoard, drawPattern } from '../preview/draw-preview.ts'
import { readingHint, wantedPart } from '../reading-hint.ts'
import { unwrap } from '../unwrap.ts'
import type { Reading } from '../upload-options.ts'
import { exportPattern } from './export-pattern.ts'
import { makeTestCard } from './make-test-card.ts'
import { drawThumbnail, readArrival } from './read-arrival.ts'

/** A board's image and its manifest (SPEC §10), which says everything else about it. */
export interface PreparedImage {
  readonly manifest: Uint8Array
  readonly image: Uint8Array
}

/** All that is done with the bytes of a file, by name. Each throws AppErrors that say what is wrong with the file. */
const works = {
  /** Every reading of the file, best first. */
  candidates: (source: Uint8Array, reading: Reading, limits: PatternLimits): readonly CandidateFacts[] =>
    unwrap(detectPattern(source, readingHint(reading), limits)).map(({ open: _open, ...facts }) => facts),

  /** Throws `file_ambiguous` when nobody can tell which reading is meant, and `usage` when it has not the part that is wanted. */
  check: (source: Uint8Array, reading: Reading, limits: PatternLimits): void => {
    const candidates = unwrap(detectPattern(source, readingHint(reading), limits))
    const fault = missingPart(unwrap(chooseCandidate(candidates, reading.candidate)), wantedPart(reading))
    if (fault !== undefined) throw patternError(fault)
  },

  arrive: readArrival,
  drawThumbnail,
  drawPattern,
  drawBoard,
  export: exportPattern,
  fit: fitPattern,
  testCard: makeTestCard,

  prepare: (source: Uint8Array, order: ImageOrder, limits: PatternLimits): PreparedImage => {
    const { manifest, image } = prepare(source, order, limits)
    return { manifest, image }
  },
}

type Works = typeof works

/** One work with what it has to know beside the file. */
export type PatternWork = {
  readonly [Name in keyof Works]: { readonly work: Name; readonly asked: Parameters<Works[Name]>[1] }
}[keyof Works]

export type WorkResult<W extends PatternWork> = ReturnType<Works[W['work']]>

export function doWork<W extends PatternWork>(
  source: Uint8Array,
  { work, asked }: W,
  limits: PatternLimits,
): WorkResult<W> {
  return works[work](source, asked as never, limits) as WorkResult<W>
}
