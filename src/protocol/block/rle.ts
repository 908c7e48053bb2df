import { fail, ok, type Result } from '../../kernel/result.ts'
import type { BlockFault } from './block-fault.ts'
import type { Cursor } from './varint.ts'

const longestLiteral = 128
const longestRun = 129

/** Pixel RLE (SPEC §10.8). `pixels` holds whole pixels of `channels` bytes. */
export function encodeRle(pixels: Uint8Array, channels: number): Uint8Array {
  const count = pixels.length / channels
  const same = (a: number, b: number) => {
    for (let channel = 0; channel < channels; channel++)
      if (pixels[a * channels + channel] !== pixels[b * channels + channel]) return false
    return true
  }
  const out = new Uint8Array(pixels.length + Math.ceil(count / longestLiteral) + 1)
  let write = 0
  const put = (token: number, from: number, to: number) => {
    out[write++] = token
    out.set(pixels.subarray(from * channels, to * channels), write)
    write += (to - from) * channels
  }
  let literalFrom = 0
  const flush = (to: number) => {
    for (; literalFrom < to; literalFrom += longestLiteral) {
      const end = Math.min(to, literalFrom + longestLiteral)
      put(end - literalFrom - 1, literalFrom, end)
    }
  }
  for (let pixel = 0; pixel < count; ) {
    let end = pixel + 1
    while (end < count && end - pixel < longestRun && same(pixel, end)) end++
    if (end - pixel >= 2) {
      flush(pixel)
      put(end - pixel + 126, pixel, pixel + 1)
      literalFrom = end
    }
    pixel = end
  }
  flush(count)
  return out.subarray(0, write)
}

/** The pixels of a block, `sizeBytes` in all; the cursor ends behind the last token. */
export function decodeRle(
  cursor: Cursor,
  sizeBytes: number,
  channels: number,
): Result<Uint8Array, BlockFault> {
  const { bytes } = cursor
  const pixels = new Uint8Array(sizeBytes)
  let write = 0
  while (write < sizeBytes) {
    const token = bytes[cursor.at++]
    if (token === undefined) return fail('truncated')
    const literals = token < 128 ? token + 1 : 1
    const covered = (token < 128 ? literals : token - 126) * channels
    const from = cursor.at
    cursor.at += literals * channels
    if (cursor.at > bytes.length) return fail('truncated')
    if (covered > sizeBytes - write) return fail('overrun')
    for (let at = 0; at < covered; at++)
      pixels[write + at] = bytes[from + (token < 128 ? at : at % channels)] as number
    write += covered
  }
  return ok(pixels)
}
