import { type Operation, withFrames } from './operation.ts'

/** The last frame first; each keeps its time. */
export const reverse: Operation = (pattern, limits) =>
  withFrames(pattern, pattern.frames.toReversed(), limits)
