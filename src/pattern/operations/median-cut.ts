import type { Frame } from '../pattern.ts'

/** Colours that are counted one by one; a pattern with more is counted in cells of 8 × 8 × 8 shades. */
const countedColors = 65_536

/** A colour, or the mean of a cell, with how many pixels have it. */
interface Shade {
  readonly rgb: readonly [number, number, number]
  readonly count: number
}

interface Box {
  readonly shades: readonly Shade[]
  /** The colour (0 red, 1 green, 2 blue) that differs most in it. */
  readonly widest: 0 | 1 | 2
  /** How much a split would help: pixels times that difference; 0: all alike. */
  readonly gain: number
}

/**
 * At most `colors` colours for all frames together, 3 bytes each: exactly those of the pattern when it has no more, else by median cut
 * (Heckbert 1982, "Color image quantization for frame buffer display"), each the mean of its pixels.
 */
export function medianCut(frames: readonly Pick<Frame, 'pixels'>[], colors: number): Uint8Array {
  const shades = countExactly(frames) ?? countInCells(frames)
  const boxes: Box[] = [boxOf(shades)]
  while (boxes.length < colors) {
    let at = 0
    for (const [index, box] of boxes.entries()) if (box.gain > (boxes[at]?.gain ?? 0)) at = index
    const box = boxes[at]
    if (box === undefined || box.gain === 0) break
    boxes.splice(at, 1, ...halves(box))
  }
  return Uint8Array.from(boxes.flatMap(mean))
}

function countExactly(frames: readonly Pick<Frame, 'pixels'>[]): Shade[] | undefined {
  const counts = new Map<number, number>()
  for (const { pixels } of frames) {
    for (let at = 0; at + 2 < pixels.length; at += 3) {
      const color = ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0)
      counts.set(color, (counts.get(color) ?? 0) + 1)
    }
    if (counts.size > countedColors) return undefined
  }
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .map(([color, count]) => ({ rgb: [color >> 16, (color >> 8) & 0xff, color & 0xff], count }))
}

function countInCells(frames: readonly Pick<Frame, 'pixels'>[]): Shade[] {
  const cells = 32 ** 3
  const counts = new Uint32Array(cells)
  const sums = new Float64Array(cells * 3)
  for (const { pixels } of frames) {
    for (let at = 0; at + 2 < pixels.length; at += 3) {
      const [red = 0, green = 0, blue = 0] = [pixels[at], pixels[at + 1], pixels[at + 2]]
      const cell = ((red >> 3) << 10) | ((green >> 3) << 5) | (blue >> 3)
      counts[cell] = (counts[cell] ?? 0) + 1
      sums[cell * 3] = (sums[cell * 3] ?? 0) + red
      sums[cell * 3 + 1] = (sums[cell * 3 + 1] ?? 0) + green
      sums[cell * 3 + 2] = (sums[cell * 3 + 2] ?? 0) + blue
    }
  }
  const shades: Shade[] = []
  for (const [cell, count] of counts.entries()) {
    if (count === 0) continue
    const [red = 0, green = 0, blue = 0] = sums.subarray(cell * 3, cell * 3 + 3)
    shades.push({ rgb: [red / count, green / count, blue / count], count })
  }
  return shades
}

function boxOf(shades: readonly Shade[]): Box {
  let pixels = 0
  const least = [255, 255, 255]
  const most = [0, 0, 0]
  for (const { rgb, count } of shades) {
    pixels += count
    for (const [c, value] of rgb.entries()) {
      if (value < (least[c] ?? 0)) least[c] = value
      if (value > (most[c] ?? 0)) most[c] = value
    }
  }
  const spread = (c: number) => (most[c] ?? 0) - (least[c] ?? 0)
  const widest = spread(1) >= Math.max(spread(0), spread(2)) ? 1 : spread(0) >= spread(2) ? 0 : 2
  return { shades, widest, gain: shades.length > 1 ? pixels * spread(widest) : 0 }
}

/** Two boxes with about as many pixels each, neither of them empty. */
function halves({ shades, widest }: Box): [Box, Box] {
  const sorted = shades.toSorted((a, b) => a.rgb[widest] - b.rgb[widest])
  const half = sorted.reduce((sum, { count }) => sum + count, 0) / 2
  let passed = 0
  let cut = 0
  while (cut < sorted.length - 1 && passed < half) passed += sorted[cut++]?.count ?? 0
  return [boxOf(sorted.slice(0, cut)), boxOf(sorted.slice(cut))]
}

function mean({ shades }: Box): number[] {
  const pixels = shades.reduce((sum, { count }) => sum + count, 0)
  return [0, 1, 2].map(c =>
    Math.round(shades.reduce((sum, { rgb, count }) => sum + (rgb[c] ?? 0) * count, 0) / pixels),
  )
}
