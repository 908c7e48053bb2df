import { type Operation, pick, redraw } from './operation.ts'

export const quarters = [90, 180, 270] as const

/** Turns the canvas clockwise by this many degrees. */
export const rotate =
  (degrees: (typeof quarters)[number]): Operation =>
  (pattern, limits) => {
    const { width: across, height: down } = pattern
    const size = degrees === 180 ? { width: across, height: down } : { width: down, height: across }
    const from = {
      90: (x: number, y: number) => (down - 1 - x) * across + y,
      180: (x: number, y: number) => (down - 1 - y) * across + across - 1 - x,
      270: (x: number, y: number) => x * across + across - 1 - y,
    }[degrees]
    return redraw(pattern, size, limits, pixels => pick(pixels, size, from))
  }
