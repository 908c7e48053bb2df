import { constants, crc32, deflateSync } from 'node:zlib'

/** A PNG put together by hand, so that files which no encoder writes can be tried. Independent of the library's writer. */
export interface PngParts {
  readonly width: number
  readonly height: number
  readonly bitDepth: number
  readonly colorType: number
  readonly interlace?: number
  /** Samples of a pixel, 0 … 2^bitDepth − 1. */
  readonly sample: (x: number, y: number, channel: number) => number
  readonly palette?: readonly number[]
  readonly transparency?: readonly number[]
  /** Filter of a row. */
  readonly filter?: (row: number) => number
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex')
const channelsOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

export function chunk(type: string, data: Uint8Array | readonly number[] = []): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), Uint8Array.from(data)])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(body.length - 4, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

export const be = (...values: readonly number[]): readonly number[] =>
  values.flatMap(value => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255])
export const be16 = (...values: readonly number[]): readonly number[] =>
  values.flatMap(value => [(value >>> 8) & 255, value & 255])

export const file = (...chunks: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat([signature, ...chunks]))

export const ihdr = ({
  width,
  height,
  bitDepth,
  colorType,
  interlace = 0,
}: Omit<PngParts, 'sample'>): Buffer =>
  chunk('IHDR', [...be(width, height), bitDepth, colorType, 0, 0, interlace])

/** The rows of one picture, filtered and compressed. */
export function rows(parts: PngParts): Buffer {
  const starts: readonly (readonly [number, number, number, number])[] =
    parts.interlace === 1
      ? [
          [0, 0, 8, 8],
          [4, 0, 8, 8],
          [0, 4, 4, 8],
          [2, 0, 4, 4],
          [0, 2, 2, 4],
          [1, 0, 2, 2],
          [0, 1, 1, 2],
        ]
      : [[0, 0, 1, 1]]
  const out: Buffer[] = []
  for (const [x0, y0, dx, dy] of starts) {
    let above: Buffer | undefined
    if (x0 >= parts.width) continue
    for (let y = y0; y < parts.height; y += dy) {
      const bits: number[] = []
      for (let x = x0; x < parts.width; x += dx)
        for (let c = 0; c < (channelsOf[parts.colorType] ?? 1); c++)
          for (let bit = parts.bitDepth - 1; bit >= 0; bit--) bits.push((parts.sample(x, y, c) >> bit) & 1)
      const row = Buffer.alloc(Math.ceil(bits.length / 8))
      for (const [at, bit] of bits.entries()) row[at >> 3] = (row[at >> 3] ?? 0) | (bit << (7 - (at & 7)))
      const filter = parts.filter?.(y) ?? 0
      out.push(Buffer.from([filter]), filtered(row, above, filter, parts))
      above = row
    }
  }
  return deflateSync(Buffer.concat(out))
}

function filtered(row: Buffer, above: Buffer | undefined, filter: number, parts: PngParts): Buffer {
  const step = Math.max(1, ((channelsOf[parts.colorType] ?? 1) * parts.bitDepth) / 8)
  return Buffer.from(
    row.map((value, at) => {
      const a = at < step ? 0 : (row[at - step] ?? 0)
      const b = above?.[at] ?? 0
      const c = at < step ? 0 : (above?.[at - step] ?? 0)
      const p = a + b - c
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
      const guess = pa <= pb && pa <= pc ? a : pb <= pc ? b : c
      return value - ([0, a, b, (a + b) >> 1, guess][filter] ?? 0)
    }),
  )
}

export function png(parts: PngParts): Uint8Array {
  return file(
    ihdr(parts),
    ...(parts.palette === undefined ? [] : [chunk('PLTE', parts.palette)]),
    ...(parts.transparency === undefined ? [] : [chunk('tRNS', parts.transparency)]),
    chunk('IDAT', rows(parts)),
    chunk('IEND'),
  )
}

/** Zeros, compressed without ever being in memory as a whole; the end is missing, as nobody gets that far. */
export function packedZeros(size: number): Buffer {
  const piece = deflateSync(Buffer.alloc(1 << 20), { finishFlush: constants.Z_FULL_FLUSH })
  const count = Math.ceil(size / (1 << 20))
  const body = piece.subarray(2)
  return Buffer.concat([piece.subarray(0, 2), ...Array.from({ length: count }, () => body)])
}
