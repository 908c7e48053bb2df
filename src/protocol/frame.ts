import { fail, ok, type Result } from '../kernel/result.ts'
import { cobsBound, cobsEncodeInPlace } from './cobs.ts'
import { crc32 } from './crc32.ts'

/** What a frame carries once COBS and CRC are off (SPEC §1.2). */
export interface Frame {
  /** Version bits; 1 for everything this document speaks of. */
  readonly version: number
  /** 0 … 63, SPEC §2. */
  readonly type: number
  readonly session: number
  readonly seq: number
  readonly body: Uint8Array
}

/** Why bytes are no frame (SPEC §1.5). */
export type FrameFault =
  | { readonly kind: 'too-short'; readonly sizeBytes: number }
  | { readonly kind: 'too-long'; readonly bodyBytes: number; readonly maxBody: number }
  | { readonly kind: 'bad-crc'; readonly computed: number; readonly received: number }

/** Version of the wire that this code speaks (SPEC, title). */
export const wireVersion = 1
/** Longest body of any frame (SPEC §1.2). */
export const maxBodyBytes = 4096
/** Header and CRC around a body. */
export const frameOverheadBytes = 8

const headerBytes = 4

/** Most bytes that a frame with a body of `bodyBytes` takes on a byte stream, delimiter included. */
export const wireBytes = (bodyBytes: number): number => cobsBound(bodyBytes + frameOverheadBytes) + 1

function putContent(
  buffer: Uint8Array,
  at: number,
  type: number,
  session: number,
  seq: number,
  body: Uint8Array,
  version: number,
): void {
  buffer[at] = (version << 6) | type
  buffer[at + 1] = session
  buffer[at + 2] = seq
  buffer[at + 3] = seq >>> 8
  buffer.set(body, at + headerBytes)
  const crcAt = at + headerBytes + body.length
  const crc = crc32(buffer.subarray(at, crcAt))
  buffer[crcAt] = crc
  buffer[crcAt + 1] = crc >>> 8
  buffer[crcAt + 2] = crc >>> 16
  buffer[crcAt + 3] = crc >>> 24
}

/** A frame as it goes on a byte stream: COBS and the trailing 0x00 (SPEC §1.1). */
export function encodeFrame(
  type: number,
  session: number,
  seq: number,
  body: Uint8Array,
  version: number = wireVersion,
): Uint8Array {
  const contentBytes = body.length + frameOverheadBytes
  const buffer = Buffer.allocUnsafe(wireBytes(body.length))
  const from = buffer.length - 1 - contentBytes
  putContent(buffer, from, type, session, seq, body, version)
  const end = cobsEncodeInPlace(buffer, from, contentBytes)
  buffer[end] = 0
  return buffer.subarray(0, end + 1)
}

/** A frame without COBS and delimiter, as it goes over MQTT (SPEC §1.9). */
export function encodeContent(
  type: number,
  session: number,
  seq: number,
  body: Uint8Array,
  version: number = wireVersion,
): Uint8Array {
  const content = Buffer.allocUnsafe(body.length + frameOverheadBytes)
  putContent(content, 0, type, session, seq, body, version)
  return content
}

/** The frame in `content`; its body is a view of `content`, not a copy. */
export function decodeContent(
  content: Uint8Array,
  maxBody: number = maxBodyBytes,
): Result<Frame, FrameFault> {
  const crcAt = content.length - 4
  const bodyBytes = crcAt - headerBytes
  if (bodyBytes < 0) return fail({ kind: 'too-short', sizeBytes: content.length })
  if (bodyBytes > maxBody) return fail({ kind: 'too-long', bodyBytes, maxBody })
  const byte = (at: number) => content[at] as number
  const received =
    (byte(crcAt) | (byte(crcAt + 1) << 8) | (byte(crcAt + 2) << 16) | (byte(crcAt + 3) << 24)) >>> 0
  const computed = crc32(content.subarray(0, crcAt))
  if (computed !== received) return fail({ kind: 'bad-crc', computed, received })
  return ok({
    version: byte(0) >>> 6,
    type: byte(0) & 0x3f,
    session: byte(1),
    seq: byte(2) | (byte(3) << 8),
    body: content.subarray(headerBytes, crcAt),
  })
}
