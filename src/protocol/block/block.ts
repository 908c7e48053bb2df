import { fail, ok, type Result } from '../../kernel/result.ts'
import type { BlockFault } from './block-fault.ts'
import { decodeDelays, encodeDelays } from './delays.ts'
import { decodeLz } from './lz-decode.ts'
import { encodeLz } from './lz-encode.ts'
import { indexPixels, pixelsOfIndices } from './palette.ts'
import { decodeRle, encodeRle } from './rle.ts'
import type { Cursor } from './varint.ts'

/** Codec numbers (SPEC §10.7 – §10.10); a bit of CAPS `codecs` stands for each. */
export const codecs = { raw: 0, rle: 1, palette: 2, lz: 3 } as const

/** Whether a mask, as in CAPS, names a codec. */
export const hasCodec = (mask: number, codec: number): boolean => ((mask >>> codec) & 1) === 1

export interface BlockOptions {
  readonly leds: number
  /** 3 or 4. */
  readonly channels: number
  /** Bit per codec number that the board knows; raw is always allowed. */
  readonly codecs: number
  /** Largest decoded block of the codecs 2 and 3, in bytes. */
  readonly decodeBytes: number
}

export interface EncodedBlock {
  readonly codec: number
  readonly stored: Uint8Array
}

/** How many earlier places the parser tries: palette indices repeat more often, and there are fewer of them. */
const paletteDepth = 16
const byteDepth = 8

/**
 * The smallest of the allowed codings of a block (SPEC §10.5).
 * @param pixels whole frames one after the other
 * @param delaysMs one delay a frame
 */
export function encodeBlock(
  pixels: Uint8Array,
  delaysMs: readonly number[],
  options: BlockOptions,
): EncodedBlock {
  const { leds, channels, decodeBytes } = options
  let codec: number = codecs.raw
  let parts: readonly Uint8Array[] = [pixels]
  const offer = (offered: number, ...offeredParts: Uint8Array[]) => {
    if (sizeOf(offeredParts) >= sizeOf(parts)) return
    codec = offered
    parts = offeredParts
  }
  if (hasCodec(options.codecs, codecs.rle)) offer(codecs.rle, encodeRle(pixels, channels))
  let paletteBytes = Number.POSITIVE_INFINITY
  if (hasCodec(options.codecs, codecs.palette) && delaysMs.length * leds <= decodeBytes) {
    const indexed = indexPixels(pixels, channels)
    if (indexed !== undefined) {
      paletteBytes = indexed.palette.length
      const stream = encodeLz(indexed.indices, [leds, leds + 1, leds - 1], paletteDepth)
      offer(codecs.palette, Uint8Array.of(indexed.colours - 1), indexed.palette, stream)
    }
  }
  // Where the palette is a small part of the block, plain LZ does not win.
  const paletteWeighs = paletteBytes * 3 >= sizeOf(parts)
  if (hasCodec(options.codecs, codecs.lz) && pixels.length <= decodeBytes && paletteWeighs)
    offer(codecs.lz, encodeLz(pixels, [leds * channels, channels], byteDepth))
  return { codec, stored: Buffer.concat([encodeDelays(delaysMs), ...parts]) }
}

const sizeOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0)

export interface DecodedBlock {
  readonly delaysMs: readonly number[]
  /** Frame after frame, LEDs in strip order. */
  readonly pixels: Uint8Array
}

/** A stored block of a pattern; it must be consumed exactly (SPEC §10.12). */
export function decodeBlock(
  codec: number,
  stored: Uint8Array,
  frames: number,
  leds: number,
  channels: number,
): Result<DecodedBlock, BlockFault> {
  const cursor: Cursor = { bytes: stored, at: 0 }
  const delays = decodeDelays(cursor, frames)
  if (!delays.ok) return delays
  const pixels = decodePixels(codec, cursor, frames * leds, channels)
  if (!pixels.ok) return pixels
  if (cursor.at !== stored.length) return fail('leftover')
  return ok({ delaysMs: delays.value, pixels: pixels.value })
}

function decodePixels(
  codec: number,
  cursor: Cursor,
  count: number,
  channels: number,
): Result<Uint8Array, BlockFault> {
  switch (codec) {
    case codecs.raw:
      return take(cursor, count * channels)
    case codecs.rle:
      return decodeRle(cursor, count * channels, channels)
    case codecs.palette:
      return decodePalette(cursor, count, channels)
    case codecs.lz:
      return decodeLz(cursor, count * channels)
    default:
      return fail('unknown-codec')
  }
}

function decodePalette(cursor: Cursor, count: number, channels: number): Result<Uint8Array, BlockFault> {
  const last = take(cursor, 1)
  if (!last.ok) return last
  const palette = take(cursor, ((last.value[0] as number) + 1) * channels)
  if (!palette.ok) return palette
  const indices = decodeLz(cursor, count)
  if (!indices.ok) return indices
  const pixels = pixelsOfIndices(palette.value, indices.value, channels)
  return pixels === undefined ? fail('bad-index') : ok(pixels)
}

function take(cursor: Cursor, sizeBytes: number): Result<Uint8Array, BlockFault> {
  const end = cursor.at + sizeBytes
  if (end > cursor.bytes.length) return fail('truncated')
  const bytes = new Uint8Array(cursor.bytes.subarray(cursor.at, end))
  cursor.at = end
  return ok(bytes)
}
