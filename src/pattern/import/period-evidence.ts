import { commonLedCounts } from './common-led-counts.ts'

export interface FrameEvidence {
  /** Higher is likelier; only comparable within one file. */
  readonly score: number
  readonly reason: string
}

/** Pixels looked at: more tell nothing new, and a large file must not cost seconds. */
const windowPixels = 163_840
/** Pairs compared for one distance. */
const pairs = 12_288

/**
 * What the bytes of a raw file say about the length of its frames. Three signs, all of which a true length and only its
 * multiples show: an LED resembles itself one frame later more than its neighbours do (`alike`); the LEDs differ from each other
 * in the long run (`own`, the share of variance that the position explains, adjusted for the number of positions); and the strip's
 * last LED and its first, which are neighbours only in the file, differ more than true neighbours (`seam`).
 */
export class PeriodEvidence {
  readonly #bytes: Uint8Array
  readonly #pixels: number
  readonly #light: Float32Array
  readonly #steps: Float32Array
  readonly #meanStep: number
  readonly #stepDeviation: number
  readonly #variance: number

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#pixels = Math.min(bytes.length / 3, windowPixels)
    this.#light = new Float32Array(this.#pixels)
    this.#steps = new Float32Array(this.#pixels)
    let light = 0
    for (let i = 0; i < this.#pixels; i++) {
      const value = 2 * this.#byte(3 * i) + 4 * this.#byte(3 * i + 1) + this.#byte(3 * i + 2)
      this.#light[i] = value
      light += value
      if (i > 0) this.#steps[i] = this.#distance(i, i - 1)
    }
    const mean = light / this.#pixels
    let variance = 0
    for (let i = 0; i < this.#pixels; i++) {
      const deviation = (this.#light[i] ?? 0) - mean
      this.#light[i] = deviation
      variance += deviation * deviation
    }
    this.#variance = variance
    this.#meanStep = this.#steps.reduce((sum, step) => sum + step, 0) / Math.max(1, this.#pixels - 1)
    const spread = this.#steps.reduce((sum, step) => sum + (step - this.#meanStep) ** 2, 0)
    this.#stepDeviation = Math.sqrt(spread / this.#pixels)
  }

  of(leds: number): FrameEvidence {
    const frames = Math.floor(this.#pixels / leds)
    const alike = this.#alike(leds)
    const own = this.#own(leds, frames)
    const seam = this.#seam(leds, frames)
    const usual = commonLedCounts.get(leds) ?? 0
    const score =
      3 * alike +
      2 * own +
      0.5 * Math.max(-1, seam) +
      usual +
      sizePrior(leds) -
      (frames < 4 ? 1 : 0) -
      0.2 * Math.log(leds)
    const signs = [
      ...(alike > 0.05 ? [`frames repeat every ${leds} pixels`] : []),
      ...(own > 0.05 ? ['each LED has its own light'] : []),
      ...(seam > 0.5 ? [`the picture breaks every ${leds} pixels`] : []),
      ...(usual > 0 ? [`${leds} is a common number of LEDs`] : []),
    ]
    return { score, reason: signs.length > 0 ? signs.join(', ') : `${leds} LEDs divide the file evenly` }
  }

  /** −1 … 1: by how much an LED resembles itself a frame later more than its neighbours of that frame. */
  #alike(leds: number): number {
    const same = this.#lag(leds)
    const around = [-2, -1, 1, 2].map(shift => this.#lag(leds + shift)).filter(value => value !== undefined)
    if (same === undefined || around.length === 0) return 0
    const beside = around.reduce((sum, value) => sum + value, 0) / around.length
    return (beside - same) / (beside + same + 1)
  }

  /** Mean distance of pixels `lag` apart. */
  #lag(lag: number): number | undefined {
    const room = this.#pixels - lag
    if (lag < 1 || room < 1) return undefined
    const step = Math.max(1, Math.floor(room / pairs)) | 1
    let sum = 0
    let count = 0
    for (let i = lag; i < this.#pixels; i += step, count++) sum += this.#distance(i, i - lag)
    return sum / count
  }

  /** 0 … 1: adjusted R² of brightness by position. */
  #own(leds: number, frames: number): number {
    const used = frames * leds
    if (frames < 3 || this.#variance === 0) return 0
    const sums = new Float64Array(leds)
    for (let i = 0; i < used; )
      for (let led = 0; led < leds; led++, i++) sums[led] = (sums[led] ?? 0) + (this.#light[i] ?? 0)
    const between = sums.reduce((total, sum) => total + (sum * sum) / frames, 0)
    return Math.max(0, 1 - (this.#variance - between) / (used - leds) / (this.#variance / (used - 1)))
  }

  /** Signed logarithm of how many standard errors the steps between frames are larger than all steps. */
  #seam(leds: number, frames: number): number {
    if (frames < 4 || this.#stepDeviation === 0) return 0
    let sum = 0
    for (let frame = 1; frame < frames; frame++) sum += this.#steps[frame * leds] ?? 0
    const errors = (sum / (frames - 1) - this.#meanStep) / (this.#stepDeviation / Math.sqrt(frames - 1))
    return Math.sign(errors) * Math.log1p(Math.max(0, Math.abs(errors) - 1.5))
  }

  #distance(a: number, b: number): number {
    const red = Math.abs(this.#byte(3 * a) - this.#byte(3 * b))
    const green = Math.abs(this.#byte(3 * a + 1) - this.#byte(3 * b + 1))
    return red + green + Math.abs(this.#byte(3 * a + 2) - this.#byte(3 * b + 2))
  }

  #byte(at: number): number {
    return this.#bytes[at] ?? 0
  }
}

/** Boards with a handful of LEDs and those beyond a thousand are rarer than those between. */
function sizePrior(leds: number): number {
  if (leds < 16) return -0.8
  if (leds < 30) return -0.3
  if (leds > 1200) return -0.6
  return leds > 600 ? -0.3 : 0
}
