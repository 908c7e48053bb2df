const hashSize = 1 << 13

/** Writes colour indices as the data of a GIF image (GIF89a, appendix F): code size, sub-blocks and terminator. One for all images of a file. */
export class GifLzwWriter {
  readonly #keys = new Int32Array(hashSize)
  readonly #codes = new Uint16Array(hashSize)

  /** `minCodeSize` 2–8; every index is below 1 << minCodeSize. */
  encode(indices: Uint8Array, minCodeSize: number): Uint8Array {
    const clear = 1 << minCodeSize
    const end = clear + 1
    const bits = new CodeBits(indices.length)
    let next = end + 1
    let codeBits = minCodeSize + 1
    bits.put(clear, codeBits)
    this.#keys.fill(-1)
    let prefix = indices[0] ?? 0
    for (let at = 1; at < indices.length; at++) {
      const pixel = indices[at] ?? 0
      const key = (prefix << 8) | pixel
      let slot = (Math.imul(key, 0x9e3779b1) >>> 19) & (hashSize - 1)
      while (this.#keys[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & (hashSize - 1)
      if (this.#keys[slot] === key) {
        prefix = this.#codes[slot] ?? 0
        continue
      }
      bits.put(prefix, codeBits)
      prefix = pixel
      if (next === 4096) {
        bits.put(clear, codeBits)
        this.#keys.fill(-1)
        next = end + 1
        codeBits = minCodeSize + 1
        continue
      }
      // The reader learns this code one code later, so the width grows when the first code that needs it has been given out.
      if (next === 1 << codeBits) codeBits++
      this.#keys[slot] = key
      this.#codes[slot] = next++
    }
    bits.put(prefix, codeBits)
    // Reading the last code makes the reader's table grow once more.
    if (next === 1 << codeBits && codeBits < 12) codeBits++
    bits.put(end, codeBits)
    return subBlocks(minCodeSize, bits.finish())
  }
}

/** Codes of growing width, lowest bit first. */
class CodeBits {
  #bytes: Uint8Array
  #length = 0
  #held = 0
  #count = 0

  constructor(expected: number) {
    this.#bytes = new Uint8Array(expected + 64)
  }

  put(code: number, width: number): void {
    this.#held |= code << this.#count
    this.#count += width
    while (this.#count >= 8) this.#byte()
  }

  finish(): Uint8Array {
    if (this.#count > 0) this.#byte()
    return this.#bytes.subarray(0, this.#length)
  }

  #byte(): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#length * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[this.#length++] = this.#held
    this.#held >>>= 8
    this.#count -= 8
  }
}

function subBlocks(minCodeSize: number, data: Uint8Array): Uint8Array {
  const count = Math.ceil(data.length / 255)
  const out = new Uint8Array(1 + data.length + count + 1)
  out[0] = minCodeSize
  let to = 1
  for (let from = 0; from < data.length; from += 255) {
    const block = data.subarray(from, from + 255)
    out[to++] = block.length
    out.set(block, to)
    to += block.length
  }
  return out
}
