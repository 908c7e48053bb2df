import type { Area } from './changed-area.ts'
import { colorIndex } from './color-index.ts'
import { medianCut, type Palette } from './median-cut.ts'

/** An image in colour indices. */
export interface IndexedImage {
  readonly indices: Uint8Array
  /** RGB, 3 bytes each; undefined: the palette of the file. */
  readonly palette: Uint8Array | undefined
  /** Every pixel has its own colour. */
  readonly exact: boolean
}

/** Indices of a palette that has every colour. */
export function exactIndices(pixels: Uint8Array, index: ReadonlyMap<number, number>): Uint8Array {
  const out = new Uint8Array(pixels.length / 3)
  let last = -1
  let place = 0
  for (let i = 0, at = 0; i < out.length; i++, at += 3) {
    const color = ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0)
    if (color !== last) place = index.get(color) ?? 0
    last = color
    out[i] = place
  }
  return out
}

export const paletteOf = (index: ReadonlyMap<number, number>): Uint8Array =>
  Uint8Array.from([...index.keys()].flatMap(color => [color >> 16, (color >> 8) & 255, color & 255]))

/** With a palette of its own: the image's colours when they are 256 at most, else the 256 that come nearest. */
export function indexedImage(pixels: Uint8Array, area: Area, dither: boolean): IndexedImage {
  const index = colorIndex([pixels], 256)
  if (index !== undefined)
    return { indices: exactIndices(pixels, index), palette: paletteOf(index), exact: true }
  const palette = medianCut(pixels, 256)
  const indices = dither ? ditheredIndices(pixels, area.width, palette) : nearestIndices(pixels, palette)
  return { indices, palette: palette.colors, exact: false }
}

function nearestIndices(pixels: Uint8Array, { nearest }: Palette): Uint8Array {
  const out = new Uint8Array(pixels.length / 3)
  for (let i = 0, at = 0; i < out.length; i++, at += 3)
    out[i] = nearest(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0)
  return out
}

/** Floyd and Steinberg (1976): the error of a pixel goes on to the right (7/16) and to three below (3, 5, 1). */
function ditheredIndices(pixels: Uint8Array, width: number, { nearest, colors }: Palette): Uint8Array {
  const out = new Uint8Array(pixels.length / 3)
  // Errors of this row and the next, with a pixel of margin on both sides.
  let now = new Float32Array((width + 2) * 3)
  let below = new Float32Array((width + 2) * 3)
  const wanted = [0, 0, 0]
  for (let i = 0; i < out.length; i++) {
    const x = i % width
    if (x === 0 && i > 0) {
      const spent = now
      now = below
      below = spent.fill(0)
    }
    const cell = (x + 1) * 3
    for (let c = 0; c < 3; c++)
      wanted[c] = Math.max(0, Math.min(255, (pixels[i * 3 + c] ?? 0) + (now[cell + c] ?? 0)))
    const place = nearest(wanted[0] ?? 0, wanted[1] ?? 0, wanted[2] ?? 0)
    out[i] = place
    for (let c = 0; c < 3; c++) {
      const error = ((wanted[c] ?? 0) - (colors[place * 3 + c] ?? 0)) / 16
      now[cell + 3 + c] = (now[cell + 3 + c] ?? 0) + error * 7
      below[cell - 3 + c] = (below[cell - 3 + c] ?? 0) + error * 3
      below[cell + c] = (below[cell + c] ?? 0) + error * 5
      below[cell + 3 + c] = (below[cell + 3 + c] ?? 0) + error
    }
  }
  return out
}
