import { fail, ok, type Result } from '../../kernel/result.ts'
import type { Candidate, ImportHint } from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import { overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, patternName } from '../pattern.ts'

/** A recording of what was sent to a strip: whole RGB frames, but neither rows nor times. */
export interface Recording {
  readonly format: string
  readonly leds: number
  readonly frames: number
  /** Shown time of each frame, which the file does not hold. */
  readonly delayMs: number
  readonly confidence: number
  readonly reason: string
  /** RGB of a frame, from 0; may be a view of the file. */
  readonly pixels: (index: number) => Uint8Array
}

/** Fewer LEDs than this are a strip, whatever their square root. */
const smallestSquareLeds = 64

/**
 * The recording as a strip; and, where a square of LEDs is plausible, as that square too, which must be asked for:
 * the file knows nothing of rows. A width and a height of the hint settle it.
 */
export function recordingCandidates(
  recording: Recording,
  limits: PatternLimits,
  hint: ImportHint,
): Result<readonly Candidate[], PatternFault> {
  const { format, leds, frames, confidence, reason } = recording
  const over = overLimit({ width: leds, height: 1, frames }, limits)
  if (over !== undefined)
    return fail({ kind: 'too_large', message: `the ${format} recording is too large: ${over}` })
  if (hint.width !== undefined && hint.height !== undefined && hint.width * hint.height === leds)
    return ok([reading(recording, limits, hint, { width: hint.width, height: hint.height })])
  const strip = reading(recording, limits, hint, null)
  const side = Math.sqrt(leds)
  if (leds < smallestSquareLeds || !Number.isInteger(side)) return ok([strip])
  const square: Candidate = {
    ...reading(
      { ...recording, reason: `${reason}, as a square if the rows were recorded from the top left` },
      limits,
      hint,
      { width: side, height: side },
    ),
    confidence: Math.round(confidence * 400) / 1000,
    selfDescribing: false,
  }
  return ok([strip, square])
}

function reading(
  recording: Recording,
  limits: PatternLimits,
  hint: ImportHint,
  size: { readonly width: number; readonly height: number } | null,
): Candidate {
  const { format, leds, frames, delayMs, confidence, reason, pixels } = recording
  return {
    format,
    width: size?.width ?? null,
    height: size?.height ?? null,
    leds,
    channels: 3,
    frames,
    durationMs: null,
    confidence,
    reason: `${reason}; no times, so each frame is shown for ${delayMs} ms`,
    selfDescribing: true,
    open: () =>
      createPattern(
        {
          name: patternName(hint.fileName),
          width: size?.width ?? leds,
          height: size?.height ?? 1,
          frames: Array.from({ length: frames }, (_, index) => ({ delayMs, pixels: pixels(index) })),
          loopCount: 0,
        },
        limits,
      ),
  }
}
