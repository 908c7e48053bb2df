/**
 * Tells whether a file begins as one did that was sent before: two FNV-1a hashes of 32 bits over its first `atBytes` bytes. A
 * hash that nobody can forge is missing where the page came over plain HTTP, and nobody gains by deceiving themselves here.
 */
export interface Mark {
  readonly atBytes: number
  readonly high: number
  readonly low: number
}

export const emptyMark: Mark = { atBytes: 0, high: 0x811c_9dc5, low: 0x2f7a_91b3 }

/** The mark after some bytes more. */
export function withBytes({ atBytes, high, low }: Mark, bytes: Uint8Array): Mark {
  let [a, b] = [high, low]
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x0100_0193)
    b = Math.imul(b ^ byte, 0x5bd1_e995)
  }
  return { atBytes: atBytes + bytes.byteLength, high: a, low: b }
}

/** 16 hexadecimal digits. */
export const markText = ({ high, low }: Mark): string =>
  [high, low].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('')

/** The same of a text. */
export const textMark = (text: string): string =>
  markText(withBytes(emptyMark, new TextEncoder().encode(text)))
