import { isUtf8 } from 'node:buffer'
import { fail, ok, type Result } from '../kernel/result.ts'

/** utf-8: text; base64: RFC 4648 §4; binary: the bytes themselves. */
export type PayloadEncoding = 'utf-8' | 'base64' | 'binary'

export interface Payload {
  readonly bytes: Uint8Array
  /** The frame is no UTF-8, so it is base64 although the bridge says text. */
  readonly substituted: boolean
}

/** A frame as the payload of a message; never loses a byte. */
export function toPayload(frame: Uint8Array, encoding: PayloadEncoding): Payload {
  const substituted = encoding === 'utf-8' && !isUtf8(frame)
  return {
    bytes: encoding === 'base64' || substituted ? Buffer.from(base64Of(frame)) : frame,
    substituted,
  }
}

/** A payload as the bytes of a frame, or why it is none. */
export function fromPayload(payload: Uint8Array, encoding: PayloadEncoding): Result<Uint8Array, string> {
  if (encoding === 'binary') return ok(payload)
  if (encoding === 'utf-8')
    return isUtf8(payload)
      ? ok(payload)
      : fail('The message is no UTF-8. For other bytes set encoding to base64 or binary.')
  const text = Buffer.from(payload).toString('latin1')
  const bytes = Buffer.from(text, 'base64')
  return base64Of(bytes) === text ? ok(bytes) : fail('The message is no base64 (RFC 4648 §4, with padding).')
}

const base64Of = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
