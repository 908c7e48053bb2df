/** Pairs compared for one distance. */
const pairs = 1024
/** Longest distance looked at: a frame of a usual size, or two of a small one. */
const maxLag = 2600

/** Distances, in pixels, at which a run of pixels repeats itself more sharply than one or two pixels beside. */
export function sharpLags(
  distance: (a: number, b: number) => number,
  pixels: number,
  count: number,
): readonly number[] {
  const longest = Math.min(maxLag, Math.floor(pixels / 3))
  const means = new Float32Array(longest + 3)
  for (let lag = 1; lag < means.length; lag++) {
    const step = Math.max(1, Math.floor((pixels - lag) / pairs)) | 1
    let sum = 0
    let compared = 0
    for (let i = lag; i < pixels; i += step, compared++) sum += distance(i, i - lag)
    means[lag] = sum / Math.max(1, compared)
  }
  const sharp: { readonly lag: number; readonly contrast: number; readonly mean: number }[] = []
  for (let lag = 3; lag <= longest; lag++) {
    const mean = (offset: number) => means[lag + offset] ?? 0
    const beside = (mean(-2) + mean(-1) + mean(1) + mean(2)) / 4
    const contrast = (beside - mean(0)) / (beside + mean(0) + 1)
    if (contrast > 0.05 && mean(0) > 0) sharp.push({ lag, contrast, mean: mean(0) })
  }
  // Of lags as sharp as each other the shortest: the others are its multiples.
  const sharpest = sharp.toSorted(
    (a, b) => Math.round(b.contrast * 50) - Math.round(a.contrast * 50) || a.lag - b.lag,
  )
  const closest = sharp.filter(({ contrast }) => contrast > 0.3).sort((a, b) => a.mean - b.mean)
  return [...new Set([...sharpest.slice(0, count), ...closest.slice(0, count)].map(({ lag }) => lag))]
}
