import { badRequest, type Operation, pick, redraw } from './operation.ts'

export interface Area {
  /** From the left, from 0. */
  readonly x: number
  /** From the top, from 0. */
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The part of the canvas that lies in `area`. */
export const crop =
  ({ x, y, width, height }: Area): Operation =>
  (pattern, limits) => {
    const inside =
      [x, y, width, height].every(Number.isInteger) &&
      x >= 0 &&
      y >= 0 &&
      width >= 1 &&
      height >= 1 &&
      x + width <= pattern.width &&
      y + height <= pattern.height
    if (!inside)
      return badRequest(
        `the area ${width}×${height} at ${x},${y} is not within the canvas of ${pattern.width}×${pattern.height}; x and y count from 0 at the top left`,
      )
    return redraw(pattern, { width, height }, limits, pixels =>
      pick(pixels, { width, height }, (column, row) => (y + row) * pattern.width + x + column),
    )
  }
