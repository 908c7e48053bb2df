type Distance = (a: number, b: number) => number

/** How far a run of pixels is from repeating itself after `lag` pixels, pixel by pixel. */
export class FrameBreaks {
  readonly lag: number
  /** Deviations from the mean; 0 for the first pixels, which have none before them. */
  readonly #values: Float32Array
  readonly #variance: number
  readonly #deviation: number

  constructor(distance: Distance, pixels: number, lag: number) {
    this.lag = lag
    this.#values = new Float32Array(pixels)
    for (let i = lag; i < pixels; i++) this.#values[i] = distance(i, i - lag)
    this.#variance = centre(this.#values, lag)
    this.#deviation = Math.sqrt(this.#variance / pixels)
  }

  /** 0 … 1: how much of the breaks the position in a frame of `leds` explains. */
  explained(leds: number, frames: number): number {
    return explained(this.#values, this.#variance, leds, frames)
  }

  /** Signed logarithm of how many standard errors the breaks across the border of two frames are larger than the others; undefined: unknown. */
  seam(leds: number, frames: number): number | undefined {
    const { lag } = this
    if (frames < 4 || lag * 2 > leds || this.#deviation === 0) return undefined
    let sum = 0
    for (let frame = 1; frame < frames; frame++)
      for (let i = frame * leds; i < frame * leds + lag; i++) sum += this.#values[i] ?? 0
    // Neighbouring breaks are alike: each beyond the first counts as 0.3.
    const independent = (frames - 1) * (1 + (lag - 1) * 0.3)
    const errors = (sum / ((frames - 1) * lag) / this.#deviation) * Math.sqrt(independent)
    return Math.sign(errors) * Math.log1p(Math.max(0, Math.abs(errors) - 1.5))
  }
}

/** Turns `values` from `first` on into deviations from their mean; returns the sum of their squares. */
export function centre(values: Float32Array, first = 0): number {
  let sum = 0
  for (let i = first; i < values.length; i++) sum += values[i] ?? 0
  const mean = sum / Math.max(1, values.length - first)
  let squares = 0
  for (let i = first; i < values.length; i++) {
    const deviation = (values[i] ?? 0) - mean
    values[i] = deviation
    squares += deviation * deviation
  }
  return squares
}

/** 0 … 1: adjusted R² of deviations by their position in a frame of `leds`; `squares` as of `centre`. */
export function explained(values: Float32Array, squares: number, leds: number, frames: number): number {
  const used = frames * leds
  if (frames < 3 || squares === 0) return 0
  const sums = new Float64Array(leds)
  for (let i = 0; i < used; )
    for (let led = 0; led < leds; led++, i++) sums[led] = (sums[led] ?? 0) + (values[i] ?? 0)
  const between = sums.reduce((total, sum) => total + (sum * sum) / frames, 0)
  return Math.max(0, 1 - (squares - between) / (used - leds) / (squares / (used - 1)))
}
