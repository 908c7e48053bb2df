import type { Pattern } from '../pattern.ts'
import { badRequest, type Operation, withFrames } from './operation.ts'

/** The frames of `next` after the pattern's own; name and loops are those of the first. */
export const append =
  (next: Pattern): Operation =>
  (pattern, limits) => {
    const { width, height } = pattern
    if (next.width !== width || next.height !== height)
      return badRequest(
        `'${next.name}' is ${next.width}×${next.height}, what it is to follow ${width}×${height}; scale or crop one of them first`,
      )
    return withFrames(pattern, [...pattern.frames, ...next.frames], limits)
  }
