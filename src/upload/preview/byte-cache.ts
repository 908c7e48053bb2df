/** Keeps the newest values up to a number of bytes; what was used longest ago goes first. */
export class ByteCache<T extends { readonly sizeBytes: number }> {
  readonly #maxBytes: number
  readonly #entries = new Map<string, T>()
  #sizeBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get(key: string): T | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  set(key: string, value: T): void {
    this.#sizeBytes += value.sizeBytes - (this.#entries.get(key)?.sizeBytes ?? 0)
    this.#entries.delete(key)
    this.#entries.set(key, value)
    for (const [oldest, { sizeBytes }] of this.#entries) {
      if (this.#sizeBytes <= this.#maxBytes) break
      this.#entries.delete(oldest)
      this.#sizeBytes -= sizeBytes
    }
  }
}
