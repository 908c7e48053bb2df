/** One decoder for all frames of a file: its tables are 16 KiB and are reused. */
export class GifLzw {
  readonly #prefix = new Uint16Array(4096)
  readonly #suffix = new Uint8Array(4096)
  readonly #stack = new Uint8Array(4096)

  /**
   * Decodes the colour indices of one image (GIF89a, appendix F) into `out` and returns how many there were.
   * `data` is the image's sub-blocks joined; codes that no encoder writes end the decoding, so the work is bounded by
   * `out` and `data` whatever they hold.
   */
  decode(data: Uint8Array, minCodeSize: number, out: Uint8Array): number {
    const clear = 1 << minCodeSize
    const end = clear + 1
    let next = end + 1
    let codeBits = minCodeSize + 1
    let previous = -1
    let first = 0
    let bits = 0
    let bitCount = 0
    let at = 0
    let written = 0
    while (written < out.length) {
      while (bitCount < codeBits) {
        if (at >= data.length) return written
        bits |= (data[at++] ?? 0) << bitCount
        bitCount += 8
      }
      const code = bits & ((1 << codeBits) - 1)
      bits >>>= codeBits
      bitCount -= codeBits
      if (code === end) return written
      if (code === clear) {
        next = end + 1
        codeBits = minCodeSize + 1
        previous = -1
        continue
      }
      // The table holds codes below `next`; `next` itself is the one about to be made from the previous string and its first pixel.
      if (code > next || (code === next && previous === -1)) return written
      if (code >= clear && previous === -1) return written
      let depth = 0
      let walk = code
      if (code === next) {
        this.#stack[depth++] = first
        walk = previous
      }
      while (walk > end) {
        this.#stack[depth++] = this.#suffix[walk] ?? 0
        walk = this.#prefix[walk] ?? 0
      }
      first = walk
      out[written++] = first
      while (depth > 0 && written < out.length) out[written++] = this.#stack[--depth] ?? 0
      if (previous !== -1 && next < 4096) {
        this.#prefix[next] = previous
        this.#suffix[next] = first
        next++
        if (next === 1 << codeBits && codeBits < 12) codeBits++
      }
      previous = code
    }
    return written
  }
}
