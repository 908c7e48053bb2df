import { fail, ok } from '../kernel/result.ts'
import { cobsBound, cobsDecode, cobsEncode } from '../protocol/cobs.ts'
import { DelimitedFraming } from './delimited-framing.ts'
import { type Framing, type FramingOptions, tooLong, whole } from './framing.ts'

const zero = Uint8Array.of(0)

/** Consistent Overhead Byte Stuffing (Cheshire and Baker 1999) with a zero after each frame; several zeros are one. */
export function cobsFraming(options: FramingOptions): Framing {
  const { maxFrameBytes, onLost } = options
  return new DelimitedFraming(options, {
    delimiter: zero,
    capBytes: cobsBound(maxFrameBytes) + 1,
    decode: code => {
      if (code.length === 0) return undefined
      const decoded = cobsDecode(code)
      if (decoded.ok && decoded.value.length <= maxFrameBytes) return whole(decoded.value)
      onLost(decoded.ok ? 'too_long' : 'malformed', code.length)
      return undefined
    },
    unfinished: code => {
      onLost('unfinished', code.length)
      return undefined
    },
    encode: bytes =>
      bytes.length > maxFrameBytes
        ? fail(tooLong(bytes.length, maxFrameBytes))
        : ok(Buffer.concat([cobsEncode(bytes), zero])),
  })
}
