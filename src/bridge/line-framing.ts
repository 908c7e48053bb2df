import { fail, ok } from '../kernel/result.ts'
import { DelimitedFraming } from './delimited-framing.ts'
import { type Framing, type FramingOptions, tooLong, whole } from './framing.ts'

export type Newline = '\n' | '\r\n' | '\r'

/** Lines of text, without their ends. What came before a silence is a partial frame: a prompt, for example, has no end. */
export function lineFraming(newline: Newline, options: FramingOptions): Framing {
  const { maxFrameBytes } = options
  const delimiter = Buffer.from(newline)
  return new DelimitedFraming(options, {
    delimiter,
    capBytes: maxFrameBytes + delimiter.length,
    decode: whole,
    unfinished: bytes => ({ bytes, partial: true }),
    encode: bytes => {
      if (bytes.length > maxFrameBytes) return fail(tooLong(bytes.length, maxFrameBytes))
      if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(delimiter))
        return fail('The message holds a line end. Send each line as a message of its own, without its end.')
      return ok(Buffer.concat([bytes, delimiter]))
    },
  })
}
