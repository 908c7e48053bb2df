interface Size {
  readonly width: number
  readonly height: number
}

/**
 * A copy of an RGB canvas at another size. Each new pixel is the mean of the pixels it covers, so that nothing thin is lost
 * when a picture shrinks; when it grows, pixels repeat.
 */
export function scalePixels(pixels: Uint8Array, from: Size, to: Size): Uint8Array {
  if (from.width === to.width && from.height === to.height) return pixels.slice()
  const out = new Uint8Array(to.width * to.height * 3)
  const columns = spans(from.width, to.width)
  let at = 0
  for (const [top, bottom] of spans(from.height, to.height)) {
    for (const [left, right] of columns) {
      let red = 0
      let green = 0
      let blue = 0
      for (let y = top; y < bottom; y++) {
        for (let source = (y * from.width + left) * 3; source < (y * from.width + right) * 3; source += 3) {
          red += pixels[source] ?? 0
          green += pixels[source + 1] ?? 0
          blue += pixels[source + 2] ?? 0
        }
      }
      const count = (bottom - top) * (right - left)
      out[at++] = Math.round(red / count)
      out[at++] = Math.round(green / count)
      out[at++] = Math.round(blue / count)
    }
  }
  return out
}

/** For each of `to` new positions, the old ones it covers: [first, beyond]. Never empty. */
function spans(from: number, to: number): readonly (readonly [number, number])[] {
  return Array.from({ length: to }, (_, index) => {
    const first = Math.floor((index * from) / to)
    return [first, Math.max(first + 1, Math.floor(((index + 1) * from) / to))] as const
  })
}
