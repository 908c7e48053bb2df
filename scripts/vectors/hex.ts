/** Bytes as the vectors write them. */
export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')

export const unhex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** `size` bytes that count up from `from`. */
export const counting = (size: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: size }, (_, at) => from + at)

/** Fields of a message or manifest for JSON: bytes become hexadecimal text. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}
