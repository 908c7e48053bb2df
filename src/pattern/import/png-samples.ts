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

function bySamples(png: PngFile): RowToRgba {
  const { colorType, bitDepth, transparency } = png
  const perPixel = channels[colorType] ?? 1
  const spread = spreads[perPixel] ?? fromRgba
  const clear = transparency === undefined ? undefined : transparentSamples(transparency)
  let narrow = new Uint8Array(0)
  return (row, count, out) => {
    let bytes = row
    if (bitDepth === 16) {
      if (narrow.length < count * perPixel) narrow = new Uint8Array(count * perPixel)
      bytes = toBytes(row, count * perPixel, narrow)
    }
    spread(bytes, count, out)
    if (clear !== undefined) hide(row, count, out, clear, bitDepth / 8)
  }
}

/** The nearest of 256 levels to each 16-bit sample. */
function toBytes(row: Uint8Array, count: number, out: Uint8Array): Uint8Array {
  // (v · 255 + 32895) >> 16 is v / 257 rounded, for every 16-bit v.
  for (let i = 0; i < count; i++)
    out[i] = ((((row[2 * i] ?? 0) << 8) | (row[2 * i + 1] ?? 0)) * 255 + 32_895) >> 16
  return out
}

const fromRgba: RowToRgba = (row, count, out) => out.set(row.subarray(0, count * 4))

/** By samples of a pixel. */
const spreads: Readonly<Record<number, RowToRgba>> = {
  1: (row, count, out) => {
    for (let i = 0, to = 0; i < count; i++, to += 4) {
      const grey = row[i] ?? 0
      out[to] = grey
      out[to + 1] = grey
      out[to + 2] = grey
      out[to + 3] = 255
    }
  },
  2: (row, count, out) => {
    for (let i = 0, to = 0; i < count; i++, to += 4) {
      const grey = row[2 * i] ?? 0
      out[to] = grey
      out[to + 1] = grey
      out[to + 2] = grey
      out[to + 3] = row[2 * i + 1] ?? 0
    }
  },
  3: (row, count, out) => {
    for (let i = 0, from = 0, to = 0; i < count; i++, from += 3, to += 4) {
      out[to] = row[from] ?? 0
      out[to + 1] = row[from + 1] ?? 0
      out[to + 2] = row[from + 2] ?? 0
      out[to + 3] = 255
    }
  },
  4: fromRgba,
}

/** Makes the pixels of the transparent colour so, which is compared in the file's own depth. */
function hide(row: Uint8Array, count: number, out: Uint8Array, clear: readonly number[], size: number): void {
  for (let i = 0; i < count; i++) {
    const same = clear.every((value, channel) => {
      const at = (i * clear.length + channel) * size
      return value === (size === 1 ? row[at] : ((row[at] ?? 0) << 8) | (row[at + 1] ?? 0))
    })
    if (same) out[i * 4 + 3] = 0
  }
}
