/** Codes have 12 bits at most. */
const maxCodes = 4096

/**
 * One decoder for all frames of a file: its tables are 24 KiB and are reused. The string of each code has been written already
 * when the code is made, and lies in the output: a code is a place and a length there, and reading it is a copy.
 */
export class GifLzw {
  readonly #starts = new Int32Array(maxCodes)
  readonly #lengths = new Int32Array(maxCodes)

  /**
   * Decodes the colour indices of one image (GIF89a, appendix F) into `out` and returns how many there were.
   * `data` is the image's sub-blocks joined; codes that no encoder writes end the decoding, so the work is bounded by
   * `out` and `data` whatever they hold.
   */
  decode(data: Uint8Array, minCodeSize: number, out: Uint8Array): number {
    const starts = this.#starts
    const lengths = this.#lengths
    const clear = 1 << minCodeSize
    const end = clear + 1
    let next = end + 1
    let codeBits = minCodeSize + 1
    /** Where the string before this one was written, and its length; 0: there is none. */
    let start = 0
    let length = 0
    let bits = 0
    let bitCount = 0
    let at = 0
    let written = 0
    while (written < out.length) {
      while (bitCount < codeBits) {
        if (at >= data.length) return written
        bits |= (data[at++] as number) << bitCount
        bitCount += 8
      }
      const code = bits & ((1 << codeBits) - 1)
      bits >>>= codeBits
      bitCount -= codeBits
      if (code === end) return written
      if (code === clear) {
        next = end + 1
        codeBits = minCodeSize + 1
        length = 0
        continue
      }
      // The former string and the first pixel of this one: they lie together. This very code may be the one that is made.
      if (length > 0 && next < maxCodes) {
        starts[next] = start
        lengths[next] = length + 1
        next++
        if (next === 1 << codeBits && codeBits < 12) codeBits++
      }
      if (code >= next) return written
      start = written
      if (code < clear) {
        length = 1
        out[written++] = code
      } else {
        length = lengths[code] as number
        let from = starts[code] as number
        const stop = Math.min(written + length, out.length)
        while (written < stop) out[written++] = out[from++] as number
      }
    }
    return written
  }
}
