import { fail } from '../../kernel/result.ts'
import { defaultLimits, overLimit } from '../limits.ts'
import type { Frame } from '../pattern.ts'
import { badRequest, type Operation, withFrames } from './operation.ts'

/** All frames `times` over, as frames of their own; the loop count stays. */
export const repeat =
  (times: number): Operation =>
  (pattern, limits = defaultLimits) => {
    if (!Number.isInteger(times) || times < 1)
      return badRequest(`a pattern is repeated a whole number of times, at least once, not ${times}`)
    const over = overLimit({ ...pattern, frames: pattern.frames.length * times }, limits)
    if (over !== undefined)
      return fail({ kind: 'too_large', message: `${times} times over it is too large: ${over}` })
    const frames = Array.from({ length: times }, (): readonly Frame[] => pattern.frames).flat()
    return withFrames(pattern, frames, limits)
  }
