import { fail, ok, type Result } from '../../kernel/result.ts'
import { type Candidate, defaultDelayMs, type ImportHint } from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import type { PatternLimits } from '../limits.ts'
import { PictureFrames } from './picture-frames.ts'

interface Size {
  readonly width: number
  readonly height: number
}

/** A picture that may hold the frames of an animation side by side. */
export interface Sheet extends Size {
  /** e.g. `PNG`. */
  readonly kind: string
  /** Calls `show` once with the whole canvas, RGB. */
  readonly compose: (show: (canvas: Uint8Array) => void) => Result<true, PatternFault>
}

/** Sprites drawn for LEDs are of such sides; a strip of larger ones is more likely a banner. */
const leastSide = 4
const mostSide = 128
const mostGuessed = 1024

/**
 * The picture cut into frames, row by row from the top left: into those of `hint.sprite`, which is then the only reading; else, as a reading
 * that is never taken unasked, into squares when its one side is a multiple of the other.
 */
export function spriteCandidates(
  sheet: Sheet,
  limits: PatternLimits,
  hint: ImportHint,
): Result<readonly Candidate[], PatternFault> {
  const asked = hint.sprite
  if (asked !== undefined) {
    const problem = misfit(sheet, asked)
    if (problem !== undefined) return fail({ kind: 'bad_request', message: problem })
    return ok([candidate(sheet, asked, 0.99, 'as was asked', limits, hint)])
  }
  const side = Math.min(sheet.width, sheet.height)
  const long = Math.max(sheet.width, sheet.height)
  if (side < leastSide || side > mostSide || long === side || long % side !== 0 || long / side > mostGuessed)
    return ok([])
  const why = `its ${sheet.width > side ? 'width' : 'height'} is ${long / side} times its other side; if they are frames, choose this or give their size with --sprite`
  return ok([candidate(sheet, { width: side, height: side }, 0.3, why, limits, hint)])
}

function misfit(sheet: Size, sprite: Size): string | undefined {
  const isSide = (length: number) => Number.isInteger(length) && length >= 1
  const size = `${sprite.width}×${sprite.height}`
  if (!isSide(sprite.width) || !isSide(sprite.height))
    return `${size} is no size of a sprite; give two whole numbers`
  if (sheet.width % sprite.width === 0 && sheet.height % sprite.height === 0) return undefined
  return `the picture of ${sheet.width}×${sheet.height} cannot be cut into sprites of ${size}; give a size that divides it, or crop the picture`
}

function candidate(
  sheet: Sheet,
  sprite: Size,
  confidence: number,
  why: string,
  limits: PatternLimits,
  hint: ImportHint,
): Candidate {
  const across = sheet.width / sprite.width
  const frames = across * (sheet.height / sprite.height)
  const delayMs = defaultDelayMs(hint)
  return {
    format: 'sprites',
    width: sprite.width,
    height: sprite.height,
    leds: sprite.width * sprite.height,
    channels: 3,
    frames,
    durationMs: null,
    confidence,
    reason: `${sheet.kind} picture of ${sheet.width}×${sheet.height} cut into ${frames} frames: ${why}; no times, so each is shown for ${delayMs} ms`,
    selfDescribing: hint.sprite !== undefined,
    picture: true,
    open: options => {
      const kept = new PictureFrames(sprite, frames, options, limits)
      if (kept.problem !== undefined) return fail(kept.problem)
      const composed = sheet.compose(canvas => {
        const room = new Uint8Array(sprite.width * sprite.height * 3)
        for (let frame = 0; frame < frames; frame++) {
          const x = (frame % across) * sprite.width
          const y = Math.floor(frame / across) * sprite.height
          for (let row = 0; row < sprite.height; row++) {
            const from = ((y + row) * sheet.width + x) * 3
            room.set(canvas.subarray(from, from + sprite.width * 3), row * sprite.width * 3)
          }
          if (!kept.add(room, delayMs)) break
        }
      })
      return composed.ok ? kept.pattern(hint, 0) : composed
    },
  }
}
