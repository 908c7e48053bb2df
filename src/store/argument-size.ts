/** Rough cost of a value on its way between threads: bytes and text count in full, everything else 16 bytes. */
export function argumentSizeBytes(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength
  if (typeof value === 'string') return 2 * value.length
  if (typeof value !== 'object' || value === null) return 16
  return Object.values(value).reduce<number>((sum, part) => sum + argumentSizeBytes(part), 16)
}

/**
 * The value with every view cut out of its buffer: structured clone copies the whole buffer beneath a view, which for
 * a slice of a file is the file and for a small Buffer is Node's pool with other people's bytes.
 */
export function withOwnBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return value.byteLength === value.buffer.byteLength ? value : Uint8Array.prototype.slice.call(value)
  }
  if (Array.isArray(value)) return value.map(withOwnBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withOwnBytes(part)]))
}
