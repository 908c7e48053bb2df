import { fail, ok, type Result } from '../../kernel/result.ts'
import { wholeFile } from '../byte-source.ts'
import {
  type Candidate,
  defaultDelayMs,
  type Importer,
  type ImportHint,
  type OpenOptions,
} from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import type { PatternLimits } from '../limits.ts'
import type { Pattern } from '../pattern.ts'
import { PictureFrames } from './picture-frames.ts'
import { isPng } from './png-chunks.ts'
import { composePng, rawImageBytes } from './png-compose.ts'
import { type PngFile, parsePng } from './png-file.ts'
import { spriteCandidates } from './sprite-sheet.ts'

/** Bytes written to open a file, about half a second of work; a small file that asks for more is a bomb. */
const maxWorkBytes = 160 * 1024 * 1024
/** Starting a decompression costs as much as so many bytes of it. */
const imageWorkBytes = 4096
/** Up to so many bytes a file may expand freely; above, only up to `maxExpansion` times its own size. */
const freeBytes = 20 * 1024 * 1024
const maxExpansion = 512
const maxCanvas = 4096 * 4096

/** PNG and APNG of every kind, composed to the full canvas over black; also as a sheet of sprites. Colour profiles and gamma are left out. */
export const readPng: Importer = (source, limits, hint) => {
  if (!isPng(source.read(0, 8))) return ok([])
  const file = wholeFile(source, limits)
  if (!file.ok) return file
  const parsed = parsePng(file.value, limits.maxFrames)
  if (!parsed.ok) return parsed
  const png = parsed.value
  const tooMuch = bomb(file.value.length, png)
  if (tooMuch !== undefined) return fail(tooMuch)
  const sheet = {
    kind: 'PNG',
    width: png.width,
    height: png.height,
    compose: (show: (canvas: Uint8Array) => void) =>
      composePng(png, canvas => {
        show(canvas)
        return false
      }),
  }
  const sprites =
    png.plays === null || hint.sprite !== undefined ? spriteCandidates(sheet, limits, hint) : ok([])
  if (!sprites.ok || hint.sprite !== undefined) return sprites
  return ok([picture(png, limits, hint), ...sprites.value])
}

function picture(png: PngFile, limits: PatternLimits, hint: ImportHint): Candidate {
  const { width, height, images, plays } = png
  const isStill = plays === null
  const frames = `${images.length} frame${images.length === 1 ? '' : 's'}`
  const delayMs = defaultDelayMs(hint)
  return {
    format: isStill ? 'png' : 'apng',
    width,
    height,
    leds: width * height,
    channels: 3,
    frames: images.length,
    durationMs: isStill ? null : images.reduce((total, image) => total + image.delayMs, 0),
    confidence: 0.99,
    reason: isStill
      ? `PNG picture, ${width}×${height}; still, so it is shown for ${delayMs} ms`
      : `APNG picture, ${width}×${height}, ${frames}`,
    selfDescribing: true,
    picture: true,
    open: options => open(png, limits, hint, options),
  }
}

function open(
  png: PngFile,
  limits: PatternLimits,
  hint: ImportHint,
  options: OpenOptions | undefined,
): Result<Pattern, PatternFault> {
  const kept = new PictureFrames(png, png.images.length, options, limits)
  if (kept.problem !== undefined) return fail(kept.problem)
  const stillMs = defaultDelayMs(hint)
  const composed = composePng(png, (canvas, delayMs) =>
    kept.add(canvas, png.plays === null ? stillMs : delayMs),
  )
  return composed.ok ? kept.pattern(hint, Math.min(0xffff, png.plays ?? 0)) : composed
}

/** Refused before any memory is taken for pixels. */
function bomb(fileBytes: number, png: PngFile): PatternFault | undefined {
  const { width, height, images } = png
  const canvas = width * height * 3
  const raw = images.map(image => rawImageBytes(png, image))
  const largest = raw.reduce((most, bytes) => Math.max(most, bytes), 0)
  const expanded = canvas * images.length + largest
  const work = raw.reduce((total, bytes) => total + bytes + imageWorkBytes, canvas * (1 + images.length / 2))
  if (
    canvas > maxCanvas * 3 ||
    work > maxWorkBytes ||
    (expanded > freeBytes && expanded > fileBytes * maxExpansion)
  ) {
    const message = `the PNG of ${fileBytes} bytes would expand to ${images.length} picture${images.length === 1 ? '' : 's'} of ${width}×${height} pixels, which is more than any LED pattern needs; make it smaller first`
    return { kind: 'too_large', message }
  }
  return undefined
}
