/** Colours are told apart in 6 bits a channel: finer than a picture of at most 256 colours can show. */
const levels = 64
const buckets = levels ** 3

/** A few colours for many: 3 bytes a colour, and for each bucket the colour nearest to it. */
export interface Palette {
  readonly colors: Uint8Array
  readonly nearest: (red: number, green: number, blue: number) => number
}

interface Box {
  /** Buckets of this box that are in use. */
  readonly members: readonly number[]
  readonly mean: readonly [number, number, number]
  /** Sum of squared distances from the mean along each channel. */
  readonly spread: readonly [number, number, number]
}

const bucketOf = (red: number, green: number, blue: number): number =>
  ((red >> 2) << 12) | ((green >> 2) << 6) | (blue >> 2)

/** 0–255, the channel of a bucket's centre; black and full light are kept. */
const level = (bucket: number, channel: number): number => {
  const bits = (bucket >> (12 - channel * 6)) & 63
  return (bits << 2) | (bits >> 4)
}

/**
 * At most `most` colours (2–256) for the RGB pixels, by median cut (Heckbert 1982) with the box of the largest squared error cut next, through its mean
 * (Wu 1991).
 */
export function medianCut(pixels: Uint8Array, most: number): Palette {
  const counts = new Uint32Array(buckets)
  for (let at = 0; at + 2 < pixels.length; at += 3) {
    const bucket = bucketOf(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0)
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  const used: number[] = []
  for (let bucket = 0; bucket < buckets; bucket++) if (counts[bucket] !== 0) used.push(bucket)
  const boxes = [boxOf(used, counts)]
  while (boxes.length < most) {
    const worst = boxes.reduce((a, b) => (Math.max(...b.spread) > Math.max(...a.spread) ? b : a))
    const channel = worst.spread.indexOf(Math.max(...worst.spread))
    const mean = worst.mean[channel] ?? 0
    const low = worst.members.filter(bucket => level(bucket, channel) <= mean)
    const high = worst.members.filter(bucket => level(bucket, channel) > mean)
    if (low.length === 0 || high.length === 0) break
    boxes.splice(boxes.indexOf(worst), 1, boxOf(low, counts), boxOf(high, counts))
  }
  const colors = Uint8Array.from(boxes.flatMap(box => box.mean.map(Math.round)))
  return { colors, nearest: nearestIn(colors) }
}

function boxOf(members: readonly number[], counts: Uint32Array): Box {
  const sums: [number, number, number] = [0, 0, 0]
  const squares: [number, number, number] = [0, 0, 0]
  let count = 0
  for (const bucket of members) {
    const weight = counts[bucket] ?? 0
    count += weight
    for (const channel of [0, 1, 2] as const) {
      const value = level(bucket, channel)
      sums[channel] += value * weight
      squares[channel] += value * value * weight
    }
  }
  const mean = sums.map(sum => sum / Math.max(1, count)) as [number, number, number]
  const spread = squares.map((square, channel) => square - (sums[channel] ?? 0) * (mean[channel] ?? 0))
  return { members, mean, spread: spread as [number, number, number] }
}

/** Looks each bucket up once. */
function nearestIn(colors: Uint8Array): Palette['nearest'] {
  const known = new Int16Array(buckets).fill(-1)
  return (red, green, blue) => {
    const bucket = bucketOf(red, green, blue)
    const found = known[bucket] ?? -1
    if (found >= 0) return found
    let best = 0
    let least = Number.POSITIVE_INFINITY
    for (let at = 0; at < colors.length; at += 3) {
      const error =
        ((colors[at] ?? 0) - level(bucket, 0)) ** 2 +
        ((colors[at + 1] ?? 0) - level(bucket, 1)) ** 2 +
        ((colors[at + 2] ?? 0) - level(bucket, 2)) ** 2
      if (error >= least) continue
      least = error
      best = at / 3
    }
    known[bucket] = best
    return best
  }
}
