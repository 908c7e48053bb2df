import type { BoardProfile } from '../../board/profile.ts'
import { chooseCandidate } from '../../pattern/choose.ts'
import { isDrawn } from '../../pattern/compile.ts'
import { detectPattern } from '../../pattern/detect.ts'
import type { PatternLimits } from '../../pattern/limits.ts'
import { openPart } from '../../pattern/open-part.ts'
import type { Frame, Pattern } from '../../pattern/pattern.ts'
import { scalePixels } from '../../pattern/scale.ts'
import { parseWiring, toCanvasOrder, toStripOrder, wiringMap } from '../../pattern/wiring.ts'
import type { PreviewView } from '../../wire/pattern.ts'
import { boardLayout, readPattern } from '../prepare.ts'
import { readingHint, wantedPart } from '../reading-hint.ts'
import { unwrap } from '../unwrap.ts'
import type { Reading, UploadOptions } from '../upload-options.ts'

export type BoardShape = Pick<BoardProfile, 'leds' | 'width' | 'height' | 'wiring' | 'layout'>

export interface BoardDrawing {
  readonly options: UploadOptions
  readonly board: BoardShape
}

const maxPixelBytes = 1024 * 1024
const maxFrames = 10_000
/** Pictures larger than this are shown smaller when they would have too few frames otherwise. */
const smallSide = 64

/** A file as it is read: a PreviewView as JSON in UTF-8. Throws AppErrors of the pattern module. */
export const drawPattern = (source: Uint8Array, reading: Reading, limits: PatternLimits): Uint8Array =>
  toJson(patternPreview(source, reading, limits))

/** The same of what a board shows of a file. */
export const drawBoard = (
  source: Uint8Array,
  { options, board }: BoardDrawing,
  limits: PatternLimits,
): Uint8Array => toJson(boardPreview(source, options, board, limits))

const toJson = (view: PreviewView): Uint8Array => Buffer.from(JSON.stringify(view))

function patternPreview(source: Uint8Array, reading: Reading, limits: PatternLimits): PreviewView {
  const candidates = unwrap(detectPattern(source, readingHint(reading), limits))
  const candidate = unwrap(chooseCandidate(candidates, reading.candidate))
  const { width, height, frames } = candidate
  const small = width === null || height === null ? undefined : shrunk(width, height, candidate.frames)
  const wanted = wantedPart(reading)
  // A whole show may be more than there is memory for, and only its beginning is shown.
  const part =
    candidate.byChannel === true && wanted.frames === undefined
      ? { ...wanted, frames: { first: 0, count: Math.min(frames, shownFrames(candidate.leds * 3)) } }
      : { ...wanted, scaleTo: small }
  const pattern = unwrap(openPart(candidate, part))
  const size = shrunk(pattern.width, pattern.height, pattern.frames.length) ?? pattern
  const shown = preview(pattern, size, pixels => scalePixels(pixels, pattern, size))
  return { ...shown, frames: wanted.frames?.count ?? frames }
}

/** Drawings for LEDs are shown as they are; only what does not fit becomes smaller. */
function shrunk(width: number, height: number, frames: number) {
  if (height === 1 || width * height * 3 * frames <= maxPixelBytes) return undefined
  const factor = smallSide / Math.max(width, height)
  if (factor >= 1) return undefined
  const side = (length: number) => Math.max(1, Math.round(length * factor))
  return { width: side(width), height: side(height) }
}

/** What the board shows, laid out as its canvas: LEDs beyond a short pattern's are black. */
function boardPreview(
  source: Uint8Array,
  options: UploadOptions,
  board: BoardShape,
  limits: PatternLimits,
): PreviewView {
  const pattern = readPattern(source, options, board, limits)
  const layout = boardLayout(options, board)
  const matrix = board.width > 0 && board.height > 0
  const canvas = layout ?? (matrix ? board : { width: board.leds, height: 1 })
  const cells = canvas.width * canvas.height
  const drawn = isDrawn(pattern, { layout })
  if (!drawn && pattern.leds > cells) return preview(pattern, pattern, pixels => pixels)
  if (drawn && (layout === undefined || pattern.leds !== cells))
    return preview(pattern, pattern, pixels => pixels)
  const map =
    layout?.map ??
    (matrix
      ? wiringMap(board.width, board.height, unwrap(parseWiring(options.wiring ?? board.wiring)))
      : undefined)
  const strip = new Uint8Array(Math.max(board.leds, cells) * 3)
  const shown = new Uint8Array(cells * 3)
  return preview(pattern, canvas, pixels => {
    // Cells without an LED are dark on the board, whatever is drawn there.
    if (drawn && map !== undefined) toStripOrder(pixels, map, strip)
    else strip.set(pixels)
    return map === undefined ? strip.subarray(0, shown.length) : toCanvasOrder(strip, map, shown)
  })
}

const shownFrames = (frameBytes: number): number =>
  Math.max(1, Math.min(maxFrames, Math.floor(maxPixelBytes / frameBytes)))

function preview(
  pattern: Pattern,
  { width, height }: { readonly width: number; readonly height: number },
  show: (pixels: Uint8Array) => Uint8Array,
): PreviewView {
  const frameBytes = width * height * 3
  const frames: readonly Frame[] = pattern.frames.slice(0, shownFrames(frameBytes))
  const pixels = Buffer.alloc(frames.length * frameBytes)
  for (const [index, frame] of frames.entries()) pixels.set(show(frame.pixels), index * frameBytes)
  return {
    width,
    height,
    frames: pattern.frames.length,
    delaysMs: frames.map(frame => frame.delayMs),
    pixels: pixels.toString('base64'),
  }
}
