import { type Operation, pick, redraw } from './operation.ts'

/** `x`: left and right are exchanged; `y`: top and bottom. */
export const flip =
  (axis: 'x' | 'y'): Operation =>
  (pattern, limits) => {
    const { width, height } = pattern
    const from =
      axis === 'x'
        ? (x: number, y: number) => y * width + width - 1 - x
        : (x: number, y: number) => (height - 1 - y) * width + x
    return redraw(pattern, pattern, limits, pixels => pick(pixels, pattern, from))
  }
