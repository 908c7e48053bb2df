/** Pixels as indices of the colours that occur, in order of first appearance (SPEC §10.9). */
export interface Indexed {
  /** `colours · channels` bytes. */
  readonly palette: Uint8Array
  readonly colours: number
  /** One byte a pixel. */
  readonly indices: Uint8Array
}

const tableBits = 10
const tableSize = 1 << tableBits

/** Undefined when more than 256 colours occur. */
export function indexPixels(pixels: Uint8Array, channels: number): Indexed | undefined {
  const indices = new Uint8Array(pixels.length / channels)
  const palette = new Uint8Array(256 * channels)
  // Open addressing over at most 256 colours in 1,024 places: short probes, no allocation per pixel.
  const colourAt = new Int32Array(tableSize)
  const indexAt = new Int16Array(tableSize).fill(-1)
  let colours = 0
  for (let pixel = 0, at = 0; pixel < indices.length; pixel++, at += channels) {
    let colour =
      (pixels[at] as number) | ((pixels[at + 1] as number) << 8) | ((pixels[at + 2] as number) << 16)
    if (channels === 4) colour |= (pixels[at + 3] as number) << 24
    let place = Math.imul(colour, 0x9e3779b1) >>> (32 - tableBits)
    while (indexAt[place] !== -1 && colourAt[place] !== colour) place = (place + 1) & (tableSize - 1)
    if (indexAt[place] === -1) {
      if (colours === 256) return undefined
      colourAt[place] = colour
      indexAt[place] = colours
      palette.set(pixels.subarray(at, at + channels), colours++ * channels)
    }
    indices[pixel] = indexAt[place] as number
  }
  return { palette: palette.subarray(0, colours * channels), colours, indices }
}

/** Pixels from indices; undefined when an index lies outside the palette. */
export function pixelsOfIndices(
  palette: Uint8Array,
  indices: Uint8Array,
  channels: number,
): Uint8Array | undefined {
  const pixels = new Uint8Array(indices.length * channels)
  let write = 0
  for (const index of indices) {
    const from = index * channels
    if (from >= palette.length) return undefined
    for (let channel = 0; channel < channels; channel++) pixels[write++] = palette[from + channel] as number
  }
  return pixels
}
