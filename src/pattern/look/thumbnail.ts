import { medianCut } from '../export/median-cut.ts'
import { encodePng } from '../export/png-encode.ts'
import type { Pattern } from '../pattern.ts'
import { scalePixels } from '../scale.ts'
import { tellingFrame } from './telling-frame.ts'

export interface ThumbnailOptions {
  /** Width and height at most, in pixels. */
  readonly maxSide: number
}

interface Picture {
  readonly pixels: Uint8Array
  readonly width: number
  readonly height: number
}

/**
 * A small PNG of a pattern for a list: of a matrix its most telling frame, of a strip its time from the top down, a frame a row, since one row of LEDs
 * says little. Never larger than the pattern itself; enlarge it with sharp pixels. 64 pixels a side give at most 8 KB.
 */
export function thumbnailPng(pattern: Pattern, { maxSide }: ThumbnailOptions): Uint8Array {
  const picture = pattern.height === 1 ? throughTime(pattern, maxSide) : oneFrame(pattern)
  const factor = Math.min(1, maxSide / Math.max(picture.width, picture.height))
  const side = (length: number) => Math.max(1, Math.round(length * factor))
  const size = { width: side(picture.width), height: side(picture.height) }
  const pixels = scalePixels(picture.pixels, picture, size)
  const exact = encodePng(pixels, size)
  return exact.length <= fewBytes ? exact : encodePng(ofFewColors(pixels), size)
}

/** A thumbnail beyond this is drawn with 256 colours, which the eye does not miss at that size. */
const fewBytes = 8192

function ofFewColors(pixels: Uint8Array): Uint8Array {
  const { colors, nearest } = medianCut(pixels, 256)
  const out = new Uint8Array(pixels.length)
  for (let at = 0; at < pixels.length; at += 3) {
    const place = nearest(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0) * 3
    out.set(colors.subarray(place, place + 3), at)
  }
  return out
}

function oneFrame({ frames, width, height }: Pattern): Picture {
  return { pixels: frames[tellingFrame(frames)]?.pixels ?? new Uint8Array(0), width, height }
}

/** Evenly spaced frames one below the other, each already as wide as the thumbnail, so that a long strip takes no memory. */
function throughTime({ frames, width }: Pattern, maxSide: number): Picture {
  const shown = Math.min(width, maxSide)
  const height = Math.min(frames.length, maxSide)
  const pixels = new Uint8Array(shown * height * 3)
  for (let row = 0; row < height; row++) {
    const frame = frames[Math.floor((row * frames.length) / height)]
    if (frame === undefined) continue
    pixels.set(scalePixels(frame.pixels, { width, height: 1 }, { width: shown, height: 1 }), row * shown * 3)
  }
  return { pixels, width: shown, height }
}
