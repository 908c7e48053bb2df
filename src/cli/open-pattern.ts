import type { Result } from '../kernel/result.ts'
import type { Candidate, ImportHint, OpenOptions } from '../pattern/candidate.ts'
import { chooseCandidate } from '../pattern/choose.ts'
import { detectPattern } from '../pattern/detect.ts'
import { type PatternFault, patternError } from '../pattern/fault.ts'
import { defaultLimits, type PatternLimits } from '../pattern/limits.ts'
import { openPart } from '../pattern/open-part.ts'
import type { Pattern } from '../pattern/pattern.ts'
import { parseRange, type Range } from '../pattern/range.ts'
import { parseSize } from '../pattern/size.ts'
import { fromSourceWiring, parseWiring } from '../pattern/wiring.ts'
import type { OptionSpec, OptionValues, Surroundings } from './command.ts'
import { localConfig } from './local-config.ts'
import { text, whole } from './option-values.ts'
import { PatternFile } from './pattern-file.ts'

const mostLeds = 65_535

/** What a user may know of a file that does not say it itself. */
export const geometryOptions = {
  leds: { type: 'string', value: 'N', help: 'LEDs of a headerless file, if you know' },
  width: { type: 'string', value: 'N', help: 'width of its matrix' },
  height: { type: 'string', value: 'N', help: 'height of its matrix' },
  sprite: { type: 'string', value: 'WxH', help: 'cut a picture (PNG, GIF) into frames of this size' },
} as const satisfies Record<string, OptionSpec>

/** Which part of a file is meant; channels are counted as xLights does. */
export const channelsOption = {
  channels: {
    type: 'string',
    value: 'A-B',
    help: 'only these channels of a sequence (FSEQ), from 1: FIRST-LAST or FIRST+COUNT',
  },
} as const satisfies Record<string, OptionSpec>

/** Options of every command that opens a pattern file, in the order of its help. */
export const readingOptions = {
  candidate: { type: 'string', value: 'N', help: 'which reading (index of pattern inspect)' },
  'source-wiring': {
    type: 'string',
    value: 'W',
    help: 'order of the pixels in the file: row|column-straight|serpentine-tl|tr|bl|br',
  },
  ...geometryOptions,
  ...channelsOption,
  frames: { type: 'string', value: 'A-B', help: 'only these frames, from 1: FIRST-LAST or FIRST+COUNT' },
} as const satisfies Record<string, OptionSpec>

/** How a file is to be read; everything may be absent. */
export interface PatternReading {
  /** Index of inspect; needed when a file can be read in several ways. */
  readonly candidate?: number | undefined
  /** How the file's pixels run over the matrix, e.g. `column-serpentine-tl`; needs width and height for headerless files. */
  readonly sourceWiring?: string | undefined
  readonly leds?: number | undefined
  readonly width?: number | undefined
  readonly height?: number | undefined
  /** Size of the frames that a picture is cut into: `WxH`. */
  readonly sprite?: string | undefined
  /** `FIRST-LAST` or `FIRST+COUNT`, from 1. */
  readonly channels?: string | undefined
  readonly frames?: string | undefined
}

/** A reading on this machine, within the limits of its configuration. */
export interface LocalReading extends PatternReading {
  readonly limits?: PatternLimits | undefined
}

/** The values of `readingOptions`; throws `usage`. */
export const readingFrom = (options: OptionValues): PatternReading => ({
  candidate: whole(options, 'candidate', 0, 1000),
  sourceWiring: text(options, 'source-wiring'),
  leds: whole(options, 'leds', 1, mostLeds),
  width: whole(options, 'width', 1, mostLeds),
  height: whole(options, 'height', 1, mostLeds),
  sprite: text(options, 'sprite'),
  channels: text(options, 'channels'),
  frames: text(options, 'frames'),
})

/** The same with the limits that the configuration names; rejects with its faults. */
export const localReading = async (
  options: OptionValues,
  surroundings: Surroundings,
): Promise<LocalReading> => ({
  ...readingFrom(options),
  limits: (await localConfig(options, surroundings)).pattern,
})

/**
 * Every reading of a file, best first, for as long as `use` runs; what has been opened stays good afterwards. Rejects with AppError:
 * `file_missing`, `file_invalid`, `file_too_large`, `usage`.
 */
export async function withCandidates<T>(
  path: string,
  reading: LocalReading,
  use: (candidates: readonly Candidate[]) => T,
): Promise<T> {
  const { leds, width, height, sprite, channels, limits = defaultLimits } = reading
  const hint: ImportHint = {
    fileName: path,
    leds,
    width,
    height,
    sprite: sprite === undefined ? undefined : value(parseSize(sprite)),
    channels: range(channels, 'channels'),
  }
  const file = await PatternFile.open(path)
  try {
    return use(value(detectPattern(file, hint, limits)))
  } finally {
    await file.close()
  }
}

/**
 * A file as one pattern in canvas order: the chosen reading, the part that was asked for, the source wiring undone. `scaleTo` says at
 * which size a picture is wanted. Rejects like `withCandidates`, and with `file_ambiguous`.
 */
export function openPatternFile(
  path: string,
  reading: LocalReading,
  scaleTo: (candidate: Candidate) => OpenOptions['scaleTo'] = () => undefined,
): Promise<Pattern> {
  return withCandidates(path, reading, candidates => {
    const { candidate, part } = chosenCandidate(candidates, reading)
    return rewired(value(openPart(candidate, { ...part, scaleTo: scaleTo(candidate) })), reading)
  })
}

/** The reading to take, and the part of it; throws `file_ambiguous` and `usage`. */
export const chosenCandidate = (
  candidates: readonly Candidate[],
  { candidate, channels, frames }: PatternReading,
): { candidate: Candidate; part: Pick<OpenOptions, 'channels' | 'frames'> } => ({
  candidate: value(chooseCandidate(candidates, candidate)),
  part: { channels: range(channels, 'channels'), frames: range(frames, 'frames') },
})

const range = (written: string | undefined, what: 'channels' | 'frames'): Range | undefined =>
  written === undefined ? undefined : value(parseRange(written, what))

function value<T>(result: Result<T, PatternFault>): T {
  if (result.ok) return result.value
  throw patternError(result.fault)
}

function rewired(pattern: Pattern, { sourceWiring, width, height }: PatternReading): Pattern {
  if (sourceWiring === undefined) return pattern
  const wiring = value(parseWiring(sourceWiring))
  if (width !== undefined && height !== undefined)
    return value(fromSourceWiring(pattern, wiring, { width, height }))
  if (pattern.height > 1) return value(fromSourceWiring(pattern, wiring))
  const message = `the file does not say how its ${pattern.leds} LEDs make a matrix; give --width and --height with --source-wiring`
  throw patternError({ kind: 'bad_request', message })
}
