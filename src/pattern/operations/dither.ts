import type { Shades } from './shades.ts'

/**
 * How colours that are not there are made of those that are. `ordered`: a fixed pattern of 8 × 8 (Bayer 1973), which stands still in
 * moving pictures; `floyd-steinberg`: what is wrong with a pixel is given to its neighbours (Floyd and Steinberg 1976); `none`: the nearest.
 */
export const ditherMethods = ['none', 'ordered', 'floyd-steinberg'] as const

export type DitherMethod = (typeof ditherMethods)[number]

/** A copy of an RGB canvas in the colours of `shades`. A pixel that is one of them keeps its colour where no error reaches it. */
export function dither(pixels: Uint8Array, width: number, shades: Shades, method: DitherMethod): Uint8Array {
  return method === 'floyd-steinberg'
    ? diffused(pixels, width, shades)
    : thresholded(pixels, width, shades, method === 'ordered' ? shades.step : 0)
}

/** Bayer's index matrix, −½ … ½, from the bits of x and y. */
const bayer = Float32Array.from({ length: 64 }, (_, place) => {
  const [x, y] = [place & 7, place >> 3]
  let index = 0
  for (let bit = 0; bit < 3; bit++) {
    const [across, down] = [(x >> bit) & 1, (y >> bit) & 1]
    index |= ((across ^ down) << (2 * (2 - bit) + 1)) | (down << (2 * (2 - bit)))
  }
  return (index + 0.5) / 64 - 0.5
})

function thresholded(pixels: Uint8Array, width: number, shades: Shades, step: number): Uint8Array {
  const out = new Uint8Array(pixels.length)
  for (let at = 0, pixel = 0; at + 2 < pixels.length; at += 3, pixel++) {
    const [red = 0, green = 0, blue = 0] = [pixels[at], pixels[at + 1], pixels[at + 2]]
    const exact = shades.nearest(red, green, blue)
    if (step === 0 || exact === ((red << 16) | (green << 8) | blue)) {
      put(out, at, exact)
      continue
    }
    const shift = (bayer[((Math.floor(pixel / width) & 7) << 3) | ((pixel % width) & 7)] ?? 0) * step
    put(out, at, shades.nearest(byte(red + shift), byte(green + shift), byte(blue + shift)))
  }
  return out
}

function diffused(pixels: Uint8Array, width: number, shades: Shades): Uint8Array {
  const out = new Uint8Array(pixels.length)
  const row = (width + 2) * 3
  let here = new Float32Array(row)
  let below = new Float32Array(row)
  for (let at = 0, x = 0; at + 2 < pixels.length; at += 3) {
    const place = (x + 1) * 3
    const wanted = [0, 1, 2].map(c => byte((pixels[at + c] ?? 0) + (here[place + c] ?? 0)))
    const shown = shades.nearest(wanted[0] ?? 0, wanted[1] ?? 0, wanted[2] ?? 0)
    put(out, at, shown)
    for (let c = 0; c < 3; c++) {
      const error = ((wanted[c] ?? 0) - (out[at + c] ?? 0)) / 16
      here[place + 3 + c] = (here[place + 3 + c] ?? 0) + error * 7
      below[place - 3 + c] = (below[place - 3 + c] ?? 0) + error * 3
      below[place + c] = (below[place + c] ?? 0) + error * 5
      below[place + 3 + c] = (below[place + 3 + c] ?? 0) + error
    }
    x += 1
    if (x < width) continue
    x = 0
    ;[here, below] = [below, here]
    below.fill(0)
  }
  return out
}

const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value)))

function put(out: Uint8Array, at: number, color: number): void {
  out[at] = color >> 16
  out[at + 1] = (color >> 8) & 0xff
  out[at + 2] = color & 0xff
}
