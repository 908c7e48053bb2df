import type { BoardProfile } from '../board/profile.ts'
import { AppError } from '../kernel/errors.ts'
import type { Result } from '../kernel/result.ts'
import { chooseCandidate } from '../pattern/choose.ts'
import { parseColorOrder } from '../pattern/color-order.ts'
import { type CompiledPattern, compile } from '../pattern/compile.ts'
import { detectPattern } from '../pattern/detect.ts'
import type { PatternFault } from '../pattern/fault.ts'
import type { Layout } from '../pattern/layout/layout.ts'
import { layoutFromText } from '../pattern/layout/parse-layout.ts'
import { defaultLimits, type PatternLimits } from '../pattern/limits.ts'
import { openPart } from '../pattern/open-part.ts'
import type { Pattern } from '../pattern/pattern.ts'
import { fromSourceWiring, parseWiring } from '../pattern/wiring.ts'
import {
  type BuiltImage,
  buildImage,
  buildOpaqueImage,
  type ImageFault,
  type ImageLimits,
} from '../protocol/image.ts'
import type { Caps } from '../protocol/messages.ts'
import { readingHint, wantedPart } from './reading-hint.ts'
import { unwrap } from './unwrap.ts'
import type { UploadOptions } from './upload-options.ts'

/** What a board's CAPS say of images. */
export type ImageCaps = Pick<Caps, 'codecs' | 'decodeBytes' | 'blockBytes' | 'slotBytes'>

export interface ImageOrder {
  readonly options: UploadOptions
  readonly board: BoardProfile
  readonly caps: ImageCaps
  /** SPEC §9.1. It stands in the manifest; the image is the same for all. */
  readonly generation: number
}

/** Reads a file and compiles it for one board. Throws AppErrors that say what is wrong with the file or why it does not fit. */
export function prepare(
  source: Uint8Array,
  { options, board, caps, generation }: ImageOrder,
  patternLimits: PatternLimits = defaultLimits,
): BuiltImage {
  const { codecs, decodeBytes, blockBytes } = caps
  const limits: ImageLimits = { codecs, decodeBytes, blockBytes }
  const built = options.raw
    ? buildOpaqueImage(source, options.fileName, limits, generation)
    : buildImage(compiled(source, options, board, patternLimits), limits, generation)
  return fitting(takeImage(built), caps)
}

const compiled = (
  source: Uint8Array,
  options: UploadOptions,
  board: BoardProfile,
  limits: PatternLimits,
): CompiledPattern => unwrap(compileFor(readPattern(source, options, board, limits), options, board))

/** The pattern as the board stores it. Throws where wiring or colour order are no such thing. */
export function compileFor(
  pattern: Pattern,
  options: UploadOptions,
  board: BoardProfile,
): Result<CompiledPattern, PatternFault> {
  const target = {
    leds: board.leds,
    width: board.width,
    height: board.height,
    wiring: unwrap(parseWiring(options.wiring ?? board.wiring)),
    layout: boardLayout(options, board),
    colorOrder: unwrap(parseColorOrder(options.colorOrder ?? board.colorOrder)),
    powerCapMa: board.powerCapMa,
  }
  const power = options.scalePower === true ? 'scale' : 'refuse'
  return compile(pattern, target, { ...forEver(pattern), brightness: options.brightness, power })
}

/** The board's layout, unless the upload names a wiring instead. */
export const boardLayout = (
  { wiring }: Pick<UploadOptions, 'wiring'>,
  { layout }: Pick<BoardProfile, 'layout'>,
): Layout | undefined =>
  layout === undefined || wiring !== undefined ? undefined : unwrap(layoutFromText(layout))

/** A GIF without a loop extension says "once"; on a wall that would be a pattern that goes dark. */
const forEver = ({ loopCount }: Pattern) => (loopCount === 1 ? { loopCount: 0 } : {})

/** The file, or the part of it that is wanted, as a picture, scaled to the board's matrix where it is a GIF. */
export function readPattern(
  source: Uint8Array,
  options: UploadOptions,
  profile: Pick<BoardProfile, 'width' | 'height'>,
  limits: PatternLimits,
): Pattern {
  const { width, height } = options
  const candidates = unwrap(detectPattern(source, readingHint(options), limits))
  const candidate = unwrap(chooseCandidate(candidates, options.candidate))
  const matrix =
    profile.width > 0 && profile.height > 0 ? { width: profile.width, height: profile.height } : undefined
  const pattern = unwrap(openPart(candidate, { ...wantedPart(options), scaleTo: matrix }))
  if (options.sourceWiring === undefined) return pattern
  // A headerless file knows its LEDs only; the matrix it was made for is the user's word, or else the board's.
  const known = candidate.width !== null && candidate.height !== null
  const given = width !== undefined && height !== undefined ? { width, height } : undefined
  const size = given ?? (known ? pattern : (matrix ?? pattern))
  return unwrap(fromSourceWiring(pattern, unwrap(parseWiring(options.sourceWiring)), size))
}

/** SPEC §4.4: room for manifest, one journal byte a block, and image. */
export const neededBytes = ({ manifest, blocks, image }: BuiltImage): number =>
  manifest.length + blocks.length + image.length

function fitting(image: BuiltImage, caps: ImageCaps): BuiltImage {
  const needed = neededBytes(image)
  if (needed <= caps.slotBytes) return image
  const overKb = Math.ceil((needed - caps.slotBytes) / 1024)
  throw new AppError(
    'does_not_fit',
    `The pattern needs ${needed} bytes after compression; a slot of the board has ${caps.slotBytes}: ${overKb} KB too much. Use fewer frames or colours, or another board.`,
    { detail: { neededBytes: needed, slotBytes: caps.slotBytes } },
  )
}

export function takeImage(result: Result<BuiltImage, ImageFault>): BuiltImage {
  if (result.ok) return result.value
  const { fault } = result
  switch (fault.kind) {
    case 'empty':
      throw new AppError('file_invalid', 'The file is empty. Choose one that holds a pattern.')
    case 'does-not-fit':
      throw new AppError(
        'does_not_fit',
        `Frame ${fault.frame} needs ${fault.storedBytes} bytes; the board takes blocks of ${fault.blockBytes} at most. Use fewer LEDs or fewer colours.`,
      )
    case 'too-many-blocks':
      throw new AppError(
        'does_not_fit',
        `The file makes ${fault.blocks} blocks; ${fault.maxBlocks} is the limit. Send a shorter one.`,
      )
    default:
      throw new AppError(
        'file_invalid',
        `The pattern cannot be compiled: ${fault.kind.replaceAll('-', ' ')}.`,
        { detail: { ...fault } },
      )
  }
}
