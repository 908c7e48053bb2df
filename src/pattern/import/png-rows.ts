import { paeth } from '../export/png-filter.ts'

/** One reduced picture of an interlaced one (PNG 3rd edition, §8.2), or the whole: where its pixels go. */
export interface PngPass {
  readonly x: number
  readonly y: number
  readonly stepX: number
  readonly stepY: number
  /** Pixels across and rows. */
  readonly width: number
  readonly height: number
}

const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** The passes of a picture that hold a pixel, in their order. */
export function pngPasses(width: number, height: number, interlaced: boolean): readonly PngPass[] {
  if (!interlaced) return [{ x: 0, y: 0, stepX: 1, stepY: 1, width, height }]
  return adam7
    .map(([x, y, stepX, stepY]) => ({
      x,
      y,
      stepX,
      stepY,
      width: Math.ceil((width - x) / stepX),
      height: Math.ceil((height - y) / stepY),
    }))
    .filter(pass => pass.width > 0 && pass.height > 0)
}

/** Bytes of a pass before compression: each row has its filter type in front. */
export const passBytes = ({ width, height }: PngPass, bitsPerPixel: number): number =>
  height * (1 + Math.ceil((width * bitsPerPixel) / 8))

/** Takes a row's filter away in place (§9.2); false for a filter that PNG does not have. */
export function unfilterRow(filter: number, row: Uint8Array, above: Uint8Array, pixelBytes: number): boolean {
  const { length } = row
  switch (filter) {
    case 0:
      return true
    case 1:
      for (let x = pixelBytes; x < length; x++) row[x] = (row[x] ?? 0) + (row[x - pixelBytes] ?? 0)
      return true
    case 2:
      for (let x = 0; x < length; x++) row[x] = (row[x] ?? 0) + (above[x] ?? 0)
      return true
    case 3:
      for (let x = 0; x < Math.min(pixelBytes, length); x++) row[x] = (row[x] ?? 0) + ((above[x] ?? 0) >> 1)
      for (let x = pixelBytes; x < length; x++)
        row[x] = (row[x] ?? 0) + (((row[x - pixelBytes] ?? 0) + (above[x] ?? 0)) >> 1)
      return true
    case 4:
      for (let x = 0; x < Math.min(pixelBytes, length); x++) row[x] = (row[x] ?? 0) + (above[x] ?? 0)
      for (let x = pixelBytes; x < length; x++)
        row[x] = (row[x] ?? 0) + paeth(row[x - pixelBytes] ?? 0, above[x] ?? 0, above[x - pixelBytes] ?? 0)
      return true
    default:
      return false
  }
}
