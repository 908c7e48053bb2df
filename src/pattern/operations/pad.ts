import { badRequest, type Operation, pick, redraw } from './operation.ts'

export interface Margins {
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly left: number
  /** Black when absent. */
  readonly color?: readonly [number, number, number] | undefined
}

/** Pixels of one colour round the canvas. */
export const pad =
  ({ top, right, bottom, left, color }: Margins): Operation =>
  (pattern, limits) => {
    if (![top, right, bottom, left].every(margin => Number.isInteger(margin) && margin >= 0))
      return badRequest(
        `margins are whole numbers of pixels (top, right, bottom, left), not ${[top, right, bottom, left].join(', ')}`,
      )
    const size = { width: left + pattern.width + right, height: top + pattern.height + bottom }
    return redraw(pattern, size, limits, pixels =>
      pick(
        pixels,
        size,
        (x, y) => {
          const [column, row] = [x - left, y - top]
          const drawn = column >= 0 && row >= 0 && column < pattern.width && row < pattern.height
          return drawn ? row * pattern.width + column : undefined
        },
        color,
      ),
    )
  }
