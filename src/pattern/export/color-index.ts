/** The colours (0xRRGGBB) of RGB pixels, numbered as they appear; undefined when there are more than `most`. */
export function colorIndex(
  frames: Iterable<Uint8Array>,
  most: number,
): ReadonlyMap<number, number> | undefined {
  const index = new Map<number, number>()
  let last = -1
  for (const pixels of frames) {
    for (let at = 0; at + 2 < pixels.length; at += 3) {
      const color = ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0)
      if (color === last) continue
      last = color
      if (index.has(color)) continue
      if (index.size === most) return undefined
      index.set(color, index.size)
    }
  }
  return index
}
