const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Most bytes of a name in CAPS and in a manifest (SPEC §3.2, §10.2). */
export const maxNameBytes = 32

/** UTF-8 of `text`, cut before the character that would pass `limitBytes`. */
export function encodeName(text: string, limitBytes: number = maxNameBytes): Uint8Array {
  const bytes = new Uint8Array(limitBytes)
  return bytes.subarray(0, encoder.encodeInto(text, bytes).written)
}

/** UTF-8 without a limit. */
export const encodeText = (text: string): Uint8Array => encoder.encode(text)

/** Text of UTF-8 bytes; what is no UTF-8 becomes U+FFFD. */
export const decodeText = (bytes: Uint8Array): string => decoder.decode(bytes)
