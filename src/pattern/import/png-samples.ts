import { type PngFile, transparentSamples } from './png-file.ts'

/** Writes a row of the file as RGBA, 8 bits a sample. */
export type RowToRgba = (row: Uint8Array, count: number, out: Uint8Array) => void

const channels: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

export const bitsPerPixel = ({ colorType, bitDepth }: Pick<PngFile, 'colorType' | 'bitDepth'>): number =>
  (channels[colorType] ?? 1) * bitDepth

/** How the rows of this file become RGBA. 16-bit samples are rounded to the nearest of 8 bits (PNG 3rd edition, §13.12). */
export function rowToRgba(png: PngFile): RowToRgba {
  const { colorType, bitDepth } = png
  if (bitDepth <= 8 && (colorType === 0 || colorType === 3)) return byTable(rgbaTable(png), bitDepth)
  return bySamples(png)
}

/** RGBA of each value that a pixel of one channel may have. */
function rgbaTable({ colorType, bitDepth, palette, transparency }: PngFile): Uint8Array {
  const table = new Uint8Array(4 << bitDepth)
  const [clear = -1] = colorType === 0 && transparency !== undefined ? transparentSamples(transparency) : []
  const most = (1 << bitDepth) - 1
  for (let value = 0; value <= most; value++) {
    if (colorType === 3) {
      table.set(palette?.subarray(value * 3, value * 3 + 3) ?? [], value * 4)
      table[value * 4 + 3] = transparency?.[value] ?? 255
    } else {
      table.fill((value * 255) / most, value * 4, value * 4 + 3)
      table[value * 4 + 3] = value === (clear & most) && clear !== -1 ? 0 : 255
    }
  }
  return table
}

function byTable(table: Uint8Array, bitDepth: number): RowToRgba {
  const mask = (1 << bitDepth) - 1
  return (row, count, out) => {
    for (let i = 0, to = 0; i < count; i++, to += 4) {
      const bit = i * bitDepth
      const from = (((row[bit >> 3] ?? 0) >> (8 - bitDepth - (bit & 7))) & mask) * 4
      out[to] = table[from] ?? 0
      out[to + 1] = table[from + 1] ?? 0
      out[to + 2] = table[from + 2] ?? 0
      out[to + 3] = table[from + 3] ?? 0
    }
  }
}

function bySamples({ colorType, bitDepth, transparency }: PngFile): RowToRgba {
  const size = bitDepth / 8
  const isGrey = colorType === 0 || colorType === 4
  const colors = isGrey ? 1 : 3
  const hasAlpha = colorType >= 4
  const step = (colors + (hasAlpha ? 1 : 0)) * size
  const clear = transparency === undefined ? undefined : transparentSamples(transparency)
  const sample = (row: Uint8Array, at: number) =>
    size === 1 ? (row[at] ?? 0) : ((row[at] ?? 0) << 8) | (row[at + 1] ?? 0)
  const byte = size === 1 ? sample : (row: Uint8Array, at: number) => Math.round(sample(row, at) / 257)
  const isClear = (row: Uint8Array, at: number) =>
    clear?.every((value, channel) => sample(row, at + channel * size) === value) === true
  return (row, count, out) => {
    for (let i = 0, from = 0, to = 0; i < count; i++, from += step, to += 4) {
      const red = byte(row, from)
      out[to] = red
      out[to + 1] = isGrey ? red : byte(row, from + size)
      out[to + 2] = isGrey ? red : byte(row, from + 2 * size)
      out[to + 3] = hasAlpha
        ? byte(row, from + colors * size)
        : clear !== undefined && isClear(row, from)
          ? 0
          : 255
    }
  }
}
