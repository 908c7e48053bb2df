import { describeRange, type Range } from '../range.ts'
import { badRequest, type Operation, withFrames } from './operation.ts'

/** Only the frames of `range`. */
export const trim =
  (range: Range): Operation =>
  (pattern, limits) => {
    const { first, count } = range
    const there = pattern.frames.length
    if (![first, count].every(Number.isInteger) || first < 0 || count < 1 || first + count > there)
      return badRequest(
        `frames ${describeRange(range)} are not there: the pattern has ${there}, counted from 1 to ${there}`,
      )
    return withFrames(pattern, pattern.frames.slice(first, first + count), limits)
  }
