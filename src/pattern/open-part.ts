import { fail, ok, type Result } from '../kernel/result.ts'
import type { Candidate, OpenOptions } from './candidate.ts'
import type { PatternFault } from './fault.ts'
import type { Pattern } from './pattern.ts'
import { describeRange } from './range.ts'

/** Opens a reading, or the part of it that the options name, whatever its format. Faults: those of the format, `bad_request` for a part that it has not. */
export function openPart(candidate: Candidate, options: OpenOptions = {}): Result<Pattern, PatternFault> {
  const { frames, channels } = options
  const { byChannel = false } = candidate
  const refuse = (message: string) => fail<PatternFault>({ kind: 'bad_request', message })
  if (channels !== undefined && !byChannel)
    return refuse(
      `--channels chooses from a sequence of channels (FSEQ), but this file is ${candidate.format}; leave the option out`,
    )
  if (frames !== undefined && frames.first + frames.count > candidate.frames)
    return refuse(
      `frames ${describeRange(frames)} were asked for, but the file has ${candidate.frames}; choose some of 1 to ${candidate.frames}`,
    )
  const opened = candidate.open(options)
  // Some formats keep no more than they are asked for.
  if (!opened.ok || frames === undefined || opened.value.frames.length === frames.count) return opened
  const part = opened.value.frames.slice(frames.first, frames.first + frames.count)
  return ok({ ...opened.value, frames: part })
}
