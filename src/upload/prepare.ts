import type { BoardProfile } from '../board/profile.ts'
import { AppError } from '../kernel/errors.ts'
import type { Result } from '../kernel/result.ts'
import { chooseCandidate } from '../pattern/choose.ts'
import { parseColorOrder } from '../pattern/color-order.ts'
import { compile } from '../pattern/compile.ts'
import { detectPattern } from '../pattern/detect.ts'
import { type PatternFault, patternError } from '../pattern/fault.ts'
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
import type { UploadOptions } from './upload-options.ts'

/**
 * Reads a file and compiles it for one board. What comes back makes the image for a generation (SPEC §9.1), so a second
 * generation costs no second import. Throws AppErrors that say what is wrong with the file or why it does not fit.
 */
export function prepare(
  source: Uint8Array,
  options: UploadOptions,
  profile: BoardProfile,
  caps: Caps,
): (generation: number) => BuiltImage {
  const limits: ImageLimits = {
    codecs: caps.codecs,
    decodeBytes: caps.decodeBytes,
    blockBytes: caps.blockBytes,
  }
  if (options.raw)
    return generation => fitting(take(buildOpaqueImage(source, options.fileName, limits, generation)), caps)
  const pattern = readPattern(source, options, profile)
  const compiled = unwrap(
    compile(
      pattern,
      {
        leds: profile.leds,
        width: profile.width,
        height: profile.height,
        wiring: unwrap(parseWiring(options.wiring ?? profile.wiring)),
        colorOrder: unwrap(parseColorOrder(options.colorOrder ?? profile.colorOrder)),
        powerCapMa: profile.powerCapMa,
      },
      {
        ...forEver(pattern),
        brightness: options.brightness,
        power: options.scalePower === true ? 'scale' : 'refuse',
      },
    ),
  )
  return generation => fitting(take(buildImage(compiled, limits, generation)), caps)
}

/** A GIF without a loop extension says "once"; on a wall that would be a pattern that goes dark. */
const forEver = ({ loopCount }: Pattern) => (loopCount === 1 ? { loopCount: 0 } : {})

function readPattern(source: Uint8Array, options: UploadOptions, profile: BoardProfile): Pattern {
  const { fileName, leds, width, height } = options
  const candidates = unwrap(detectPattern(source, { fileName, leds, width, height }))
  const candidate = unwrap(chooseCandidate(candidates, options.candidate))
  const matrix =
    profile.width > 0 && profile.height > 0 ? { width: profile.width, height: profile.height } : undefined
  const pattern = unwrap(candidate.open(matrix === undefined ? {} : { scaleTo: matrix }))
  if (options.sourceWiring === undefined) return pattern
  // A headerless file knows its LEDs only; the matrix it was made for is the user's word, or else the board's.
  const known = candidate.width !== null && candidate.height !== null
  const given = width !== undefined && height !== undefined ? { width, height } : undefined
  const size = given ?? (known ? pattern : (matrix ?? pattern))
  return unwrap(fromSourceWiring(pattern, unwrap(parseWiring(options.sourceWiring)), size))
}

/** SPEC §4.4: room for manifest, one journal byte a block, and image. */
function fitting(image: BuiltImage, caps: Caps): BuiltImage {
  const needed = image.manifest.length + image.blocks.length + image.image.length
  if (needed <= caps.slotBytes) return image
  const overKb = Math.ceil((needed - caps.slotBytes) / 1024)
  throw new AppError(
    'does_not_fit',
    `The pattern needs ${needed} bytes after compression; a slot of the board has ${caps.slotBytes}: ${overKb} KB too much. Use fewer frames or colours, or another board.`,
    { detail: { neededBytes: needed, slotBytes: caps.slotBytes } },
  )
}

function unwrap<T>(result: Result<T, PatternFault>): T {
  if (result.ok) return result.value
  throw patternError(result.fault)
}

function take(result: Result<BuiltImage, ImageFault>): BuiltImage {
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
