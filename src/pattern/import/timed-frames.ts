import { fail, ok, type Result } from '../../kernel/result.ts'
import { type ByteSource, wholeFile } from '../byte-source.ts'
import { type Candidate, defaultDelayMs, type ImportHint } from '../candidate.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import { overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, type Frame, patternName } from '../pattern.ts'

/** A header of the Upload Bridge family: after `bodyAt` bytes, each frame is u16 delay in ms (little-endian) and RGB of every LED. */
export interface TimedHeader {
  readonly format: string
  readonly bodyAt: number
  readonly leds: number
  readonly frames: number
  /** null: the header does not know rows. */
  readonly size: { readonly width: number; readonly height: number } | null
  readonly confidence: number
  readonly reason: string
}

export const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)

export const timedBytes = (header: TimedHeader): number =>
  header.bodyAt + header.frames * (2 + header.leds * 3)

/** The reading that a header with a fitting length gives. */
export function timedCandidate(
  source: ByteSource,
  header: TimedHeader,
  limits: PatternLimits,
  hint: ImportHint,
): Result<readonly Candidate[], PatternFault> {
  const { leds, frames, format, confidence } = header
  const hinted = hint.width !== undefined && hint.height !== undefined && hint.width * hint.height === leds
  const size = header.size ?? (hinted ? { width: hint.width ?? 0, height: hint.height ?? 0 } : null)
  const { width, height } = size ?? { width: leds, height: 1 }
  const over = overLimit({ width, height, frames }, limits)
  if (over !== undefined)
    return fail({ kind: 'too_large', message: `the ${format} file is too large: ${over}` })
  const file = wholeFile(source, limits)
  if (!file.ok) return file
  const list = timedFrames(file.value, header, defaultDelayMs(hint))
  const name = patternName(hint.fileName)
  const candidate: Candidate = {
    format,
    width: size?.width ?? null,
    height: size?.height ?? null,
    leds,
    channels: 3,
    frames,
    durationMs: list.reduce((total, frame) => total + frame.delayMs, 0),
    confidence,
    reason: header.reason,
    selfDescribing: true,
    open: () => createPattern({ name, width, height, frames: list, loopCount: 0 }, limits),
  }
  return ok([candidate])
}

function timedFrames(bytes: Uint8Array, header: TimedHeader, fallbackMs: number): readonly Frame[] {
  const stride = 2 + header.leds * 3
  return Array.from({ length: header.frames }, (_, index) => {
    const at = header.bodyAt + index * stride
    return { delayMs: u16(bytes, at) || fallbackMs, pixels: bytes.subarray(at + 2, at + stride) }
  })
}

/**
 * A file that is shorter or longer than its header says is this format all the same when the delays prove it: at least three
 * whole frames, all with one and the same delay, are more than chance puts at that distance.
 */
export function damagedTimed(source: ByteSource, header: TimedHeader): PatternFault | undefined {
  const stride = 2 + header.leds * 3
  const whole = Math.min(header.frames, Math.floor((source.sizeBytes - header.bodyAt) / stride))
  const delay = (frame: number) => u16(source.read(header.bodyAt + frame * stride, 2), 0)
  const first = delay(0)
  if (whole < 3 || first === 0 || first > 10_000) return undefined
  for (let index = 1; index < whole; index++) if (delay(index) !== first) return undefined
  const expected = timedBytes(header)
  const what = source.sizeBytes < expected ? 'the file was cut short' : 'there are bytes after the last frame'
  return invalidAt(
    Math.min(source.sizeBytes, expected),
    `the ${header.format} header says ${header.leds} LEDs × ${header.frames} frames, which is ${expected} bytes, but the file has ${source.sizeBytes}: ${what}`,
  )
}
