import { crc32 } from 'node:zlib'

/** Numbers 0 … 1. */
export type Random = () => number

const spread =
  (width: number, littleEndian: boolean) =>
  (values: readonly number[]): readonly number[] =>
    values.flatMap(value =>
      Array.from(
        { length: width },
        (_, at) => Math.floor(value / 256 ** (littleEndian ? at : width - 1 - at)) % 256,
      ),
    )

export const u16le = (...values: readonly number[]) => spread(2, true)(values)
export const u32le = (...values: readonly number[]) => spread(4, true)(values)
export const u32be = (...values: readonly number[]) => spread(4, false)(values)

/** A number of `width` bytes written at a place, as far as it lies within. */
export function poke(out: Uint8Array, at: number, value: number, width: number, littleEndian: boolean): void {
  for (const [step, byte] of spread(width, littleEndian)([value]).entries())
    if (at + step < out.length) out[at + step] = byte
}

export const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** With its length and a sound CRC. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([ascii(type), data])
  return Buffer.concat([Uint8Array.from(u32be(data.length)), body, Uint8Array.from(u32be(crc32(body)))])
}
