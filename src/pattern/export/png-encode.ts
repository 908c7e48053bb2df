import { crc32, deflateSync } from 'node:zlib'
import { colorIndex } from './color-index.ts'
import { filterRows } from './png-filter.ts'

interface Size {
  readonly width: number
  readonly height: number
}

/** How the pixels of a file lie (PNG 3rd edition, §11.2.1): indices of a palette, or RGB. */
export interface PngColors {
  /** Colour number (0xRRGGBB) → place in the palette; undefined: too many colours, RGB instead. */
  readonly index: ReadonlyMap<number, number> | undefined
  readonly bitDepth: 1 | 2 | 4 | 8
}

export const pngSignature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

/** Above so many bytes of all pictures together the slow search for repetitions takes longer than it is worth. */
const patientBytes = 2 * 1024 * 1024

/** Length, type, data and CRC-32 (§5.3). */
export function pngChunk(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const data = Buffer.concat([Buffer.from(type, 'latin1'), ...parts])
  const around = Buffer.alloc(8)
  around.writeUInt32BE(data.length - 4, 0)
  around.writeUInt32BE(crc32(data), 4)
  return Buffer.concat([around.subarray(0, 4), data, around.subarray(4)])
}

/** A palette when all frames together have at most 256 colours, which every viewer reads and which makes drawings small. */
export function pngColors(frames: Iterable<Uint8Array>): PngColors {
  const index = colorIndex(frames, 256)
  const size = index?.size ?? 256
  return { index, bitDepth: size <= 2 ? 1 : size <= 4 ? 2 : size <= 16 ? 4 : 8 }
}

/** IHDR, and PLTE where there is a palette. */
export function pngHead({ width, height }: Size, { index, bitDepth }: PngColors): readonly Uint8Array[] {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = bitDepth
  header[9] = index === undefined ? 2 : 3
  const ihdr = pngChunk('IHDR', header)
  if (index === undefined) return [ihdr]
  const palette = [...index.keys()].flatMap(color => [color >> 16, (color >> 8) & 255, color & 255])
  return [ihdr, pngChunk('PLTE', Uint8Array.from(palette))]
}

/** The compressed rows of an image, as IDAT and fdAT hold them. `totalBytes`: pixels of the whole file. */
export function pngData(pixels: Uint8Array, size: Size, colors: PngColors, totalBytes: number): Uint8Array {
  const rows =
    colors.index === undefined
      ? filterRows(pixels, size.width * 3, 3)
      : indexedRows(pixels, size, colors.index, colors.bitDepth)
  return deflateSync(rows, { level: totalBytes > patientBytes ? 6 : 9 })
}

/** One picture (RGB, rows from the top) as a PNG file without losses. */
export function encodePng(pixels: Uint8Array, size: Size): Uint8Array {
  const colors = pngColors([pixels])
  const data = pngChunk('IDAT', pngData(pixels, size, colors, pixels.length))
  return Buffer.concat([pngSignature, ...pngHead(size, colors), data, pngChunk('IEND')])
}

/** Rows of packed indices, each after filter type 0, which suits palettes best (§12.7). */
function indexedRows(
  pixels: Uint8Array,
  { width, height }: Size,
  index: ReadonlyMap<number, number>,
  bitDepth: number,
): Uint8Array {
  const stride = 1 + Math.ceil((width * bitDepth) / 8)
  const rows = new Uint8Array(stride * height)
  let last = -1
  let place = 0
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const color = ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0)
      if (color !== last) place = index.get(color) ?? 0
      last = color
      const bit = x * bitDepth
      const to = y * stride + 1 + (bit >> 3)
      rows[to] = (rows[to] ?? 0) | (place << (8 - bitDepth - (bit & 7)))
    }
  }
  return rows
}
