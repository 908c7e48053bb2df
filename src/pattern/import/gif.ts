import { fail, ok, type Result } from '../../kernel/result.ts'
import { wholeFile } from '../byte-source.ts'
import type { Candidate, Importer, ImportHint, OpenOptions } from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import { overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, durationMs, type Frame, type Pattern, patternName } from '../pattern.ts'
import { scalePixels } from '../scale.ts'
import { type GifFile, isGif, parseGif } from './gif-blocks.ts'
import { composeGif } from './gif-compose.ts'

/** Pixels drawn or copied to open a file, about half a second of work; a small file that asks for more is a bomb. */
const maxWorkPixels = 64 * 1024 * 1024
/** Up to so many bytes a file may expand freely; above, only up to `maxExpansion` times its own size. */
const freeBytes = 24 * 1024 * 1024
const maxExpansion = 512

/** GIF87a and GIF89a, composed to the full canvas; a delay of 0 or 10 ms is shown for 100 ms, as browsers do. */
export const readGif: Importer = (source, limits, hint) => {
  if (!isGif(source.read(0, 6))) return ok([])
  const file = wholeFile(source, limits)
  if (!file.ok) return file
  const bytes = file.value
  const parsed = parseGif(bytes, limits.maxFrames)
  if (!parsed.ok) return parsed
  const gif = parsed.value
  const { width, height, images } = gif
  const tooMuch = bomb(bytes, gif)
  if (tooMuch !== undefined) return fail(tooMuch)
  const candidate: Candidate = {
    format: 'gif',
    width,
    height,
    leds: width * height,
    channels: 3,
    frames: images.length,
    durationMs: durationMs(images.map(({ delayMs }) => ({ delayMs, pixels: new Uint8Array(0) }))),
    confidence: 0.99,
    reason: `GIF picture, ${width}×${height}, ${images.length} frame${images.length === 1 ? '' : 's'}`,
    selfDescribing: true,
    open: options => open(bytes, gif, limits, hint, options),
  }
  return ok([candidate])
}

/** Refused before any memory is taken for pixels. */
function bomb(bytes: Uint8Array, { width, height, images }: GifFile): PatternFault | undefined {
  const drawn = images.reduce((total, image) => total + image.width * image.height, 0)
  const canvas = width * height
  const expanded = canvas * 3 * images.length
  const work = drawn + (canvas + images.length * canvas) / 4
  if (
    canvas > 4096 * 4096 ||
    work > maxWorkPixels ||
    (expanded > freeBytes && expanded > bytes.length * maxExpansion)
  ) {
    const message = `the GIF of ${bytes.length} bytes would expand to ${images.length} frames of ${width}×${height} pixels, which is more than any LED pattern needs; make it smaller first`
    return { kind: 'too_large', message }
  }
  return undefined
}

function open(
  bytes: Uint8Array,
  gif: GifFile,
  limits: PatternLimits,
  hint: ImportHint,
  options: OpenOptions | undefined,
): Result<Pattern, PatternFault> {
  const size = options?.scaleTo ?? gif
  const over = overLimit({ width: size.width, height: size.height, frames: gif.images.length }, limits)
  if (over !== undefined) {
    const message = `the picture is too large: ${over}; scale it to the size of the board`
    return fail({ kind: 'too_large', message })
  }
  const frames: Frame[] = []
  const composed = composeGif(bytes, gif, (canvas, delayMs) => {
    frames.push({ delayMs, pixels: scalePixels(canvas, gif, size) })
  })
  if (!composed.ok) return composed
  const name = patternName(hint.fileName)
  return createPattern(
    { name, width: size.width, height: size.height, frames, loopCount: gif.loopCount ?? 1 },
    limits,
  )
}
