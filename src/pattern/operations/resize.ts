import { scalePixels } from '../scale.ts'
import { badRequest, type Operation, pick, redraw } from './operation.ts'

/** `area`: each new pixel is the mean of what it covers. `nearest`: it is the one pixel at its middle, so no colour is new. */
export const scaleModes = ['area', 'nearest'] as const

export type ScaleMode = (typeof scaleModes)[number]

/** The canvas at another size. */
export const resize =
  (
    { width, height }: { readonly width: number; readonly height: number },
    mode: ScaleMode = 'area',
  ): Operation =>
  (pattern, limits) => {
    if (![width, height].every(side => Number.isInteger(side) && side >= 1))
      return badRequest(`a size is two whole numbers of at least 1, not ${width}×${height}`)
    const middle = (place: number, from: number, to: number) => Math.floor(((place + 0.5) * from) / to)
    return redraw(pattern, { width, height }, limits, pixels =>
      mode === 'area'
        ? scalePixels(pixels, pattern, { width, height })
        : pick(
            pixels,
            { width, height },
            (x, y) => middle(y, pattern.height, height) * pattern.width + middle(x, pattern.width, width),
          ),
    )
  }
