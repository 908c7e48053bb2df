import { encodeFrame, maxBodyBytes } from '../protocol/frame.ts'
import { FrameDecoder } from '../protocol/frame-decoder.ts'
import { messageTypes } from '../protocol/messages.ts'

/** Offset of the digest in the reply to VERIFY: alg, manifestCrc, imageBytes come before it (SPEC §7.1). */
const DIGEST_OFFSET = 9

/**
 * Stands between a board and its line and changes the digest in each reply to VERIFY, in a frame that is otherwise
 * whole: the board says "verified" and states a wrong hash. Returns the bytes for the line.
 */
export function lieAboutDigest(): (bytes: Uint8Array) => Uint8Array {
  const decoder = new FrameDecoder(maxBodyBytes)
  return bytes => {
    const frames: Uint8Array[] = []
    decoder.push(bytes, ({ version, type, session, seq, body }) => {
      const digest = body[DIGEST_OFFSET]
      if (type === messageTypes.VERIFY && digest !== undefined) body[DIGEST_OFFSET] = digest ^ 0xff
      frames.push(encodeFrame(type, session, seq, body, version))
    })
    return Buffer.concat(frames)
  }
}
