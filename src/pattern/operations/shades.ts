/** The colours that a reduced pattern may have. */
export interface Shades {
  /** The nearest of them to a colour, 0xRRGGBB. */
  readonly nearest: (red: number, green: number, blue: number) => number
  /** How far neighbours lie apart, about. */
  readonly step: number
}

/** Colours whose nearest one is remembered. */
const remembered = 65_536

/** `levels` values from 0 to 255 for each of red, green and blue, evenly spaced; 2 to 256. */
export function evenShades(levels: number): Shades {
  const last = levels - 1
  const round = (value: number) => Math.round((Math.round((value * last) / 255) * 255) / last)
  return {
    step: 255 / last,
    nearest: (red, green, blue) => (round(red) << 16) | (round(green) << 8) | round(blue),
  }
}

/** The colours of a palette, 3 bytes each; at least one. Nearest in RGB; of two that are as near, the first. */
export function paletteShades(palette: Uint8Array): Shades {
  const known = new Map<number, number>()
  const search = (red: number, green: number, blue: number) => {
    let best = 0
    let bestError = Number.POSITIVE_INFINITY
    for (let at = 0; at + 2 < palette.length; at += 3) {
      const [r = 0, g = 0, b = 0] = [palette[at], palette[at + 1], palette[at + 2]]
      const error = (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2
      if (error >= bestError) continue
      best = (r << 16) | (g << 8) | b
      bestError = error
    }
    return best
  }
  return {
    step: 255 / Math.max(1, Math.cbrt(palette.length / 3)),
    nearest: (red, green, blue) => {
      const key = (red << 16) | (green << 8) | blue
      const found = known.get(key) ?? search(red, green, blue)
      if (known.size >= remembered) known.clear()
      known.set(key, found)
      return found
    },
  }
}
