import { type DitherMethod, dither } from './dither.ts'
import { medianCut } from './median-cut.ts'
import { badRequest, type Operation, redraw } from './operation.ts'
import { evenShades, paletteShades, type Shades } from './shades.ts'

/** At most `colors` colours in the whole animation, so that a block of it compresses well or a format with a palette holds it. */
export const reduceColors =
  (colors: number, method: DitherMethod = 'none'): Operation =>
  (pattern, limits) => {
    if (!Number.isInteger(colors) || colors < 1 || colors > 256)
      return badRequest(`a palette has 1 to 256 colours, not ${colors}`)
    return inShades(paletteShades(medianCut(pattern.frames, colors)), method)(pattern, limits)
  }

/** `levels` values of each colour, evenly from 0 to 255: 2 leaves black, white and the six full colours. */
export const reduceLevels =
  (levels: number, method: DitherMethod = 'none'): Operation =>
  (pattern, limits) =>
    Number.isInteger(levels) && levels >= 2 && levels <= 256
      ? inShades(evenShades(levels), method)(pattern, limits)
      : badRequest(`a colour has 2 to 256 levels, not ${levels}`)

const inShades =
  (shades: Shades, method: DitherMethod): Operation =>
  (pattern, limits) =>
    redraw(pattern, pattern, limits, pixels => dither(pixels, pattern.width, shades, method))
