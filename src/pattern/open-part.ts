import { fail, ok, type Result } from '../kernel/result.ts'
import type { Candidate, OpenOptions } from './candidate.ts'
import type { PatternFault } from './fault.ts'
import type { Pattern } from './pattern.ts'
import { describeRange } from './range.ts'

/** Why a reading has not the part that is wanted; undefined when it has. Nothing is opened. */
export function missingPart(
  { byChannel = false, format, frames: count }: Candidate,
  { frames, channels }: OpenOptions,
): PatternFault | undefined {
  const refusal = (message: string): PatternFault => ({ kind: 'bad_request', message })
  if (channels !== undefined && !byChannel)
    return refusal(
      `--channels chooses from a sequence of channels (FSEQ), but this file is ${format}; leave the option out`,
    )
  if (frames !== undefined && frames.first + frames.count > count)
    return refusal(
      `frames ${describeRange(frames)} were asked for, but the file has ${count}; choose some of 1 to ${count}`,
    )
  return undefined
}

/** Opens a reading, or the part of it that the options name, whatever its format. Faults: those of the format, `bad_request` for a part that it has not. */
export function openPart(candidate: Candidate, options: OpenOptions = {}): Result<Pattern, PatternFault> {
  const missing = missingPart(candidate, options)
  if (missing !== undefined) return fail(missing)
  const { frames } = options
  const opened = candidate.open(options)
  // Some formats keep no more than they are asked for.
  if (!opened.ok || frames === undefined || opened.value.frames.length === frames.count) return opened
  const part = opened.value.frames.slice(frames.first, frames.first + frames.count)
  return ok({ ...opened.value, frames: part })
}
