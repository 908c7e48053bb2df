import { badRequest, type Operation, withFrames } from './operation.ts'

/** The frames from `first` to `last`, both included and counted from 0; to the end when `last` is absent. */
export const trim =
  ({ first, last }: { readonly first: number; readonly last?: number | undefined }): Operation =>
  (pattern, limits) => {
    const count = pattern.frames.length
    const end = last ?? count - 1
    if (![first, end].every(Number.isInteger) || first < 0 || end < first || end >= count)
      return badRequest(
        `frames ${first} to ${end} are not there: the pattern has ${count}, counted from 0 to ${count - 1}`,
      )
    return withFrames(pattern, pattern.frames.slice(first, end + 1), limits)
  }
