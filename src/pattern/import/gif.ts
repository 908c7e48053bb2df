import { fail, ok, type Result } from '../../kernel/result.ts'
import { wholeFile } from '../byte-source.ts'
import type { Candidate, Importer, ImportHint, OpenOptions } from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import type { PatternLimits } from '../limits.ts'
import type { Pattern } from '../pattern.ts'
import { type GifFile, isGif, parseGif } from './gif-blocks.ts'
import { composeGif } from './gif-compose.ts'
import { PictureFrames } from './picture-frames.ts'
import { spriteCandidates } from './sprite-sheet.ts'

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
  const sheet = {
    kind: 'GIF',
    width,
    height,
    compose: (show: (canvas: Uint8Array) => void) =>
      composeGif(bytes, { ...gif, images: images.slice(0, 1) }, show),
  }
  const isSheet = images.length === 1 || hint.sprite !== undefined
  const sprites = isSheet ? spriteCandidates(sheet, limits, hint) : ok([])
  if (!sprites.ok || hint.sprite !== undefined) return sprites
  const candidate: Candidate = {
    format: 'gif',
    width,
    height,
    leds: width * height,
    channels: 3,
    frames: images.length,
    durationMs: images.reduce((total, { delayMs }) => total + delayMs, 0),
    confidence: 0.99,
    reason: `GIF picture, ${width}×${height}, ${images.length} frame${images.length === 1 ? '' : 's'}`,
    selfDescribing: true,
    picture: true,
    open: options => open(bytes, gif, limits, hint, options),
  }
  return ok([candidate, ...sprites.value])
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
  const kept = new PictureFrames(gif, gif.images.length, options, limits)
  if (kept.problem !== undefined) return fail(kept.problem)
  const composed = composeGif(
    bytes,
    { ...gif, images: gif.images.slice(0, kept.beyond) },
    (canvas, delayMs) => {
      kept.add(canvas, delayMs)
    },
  )
  return composed.ok ? kept.pattern(hint, gif.loopCount ?? 1) : composed
}
