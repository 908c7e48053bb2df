import { commonLedCounts } from './common-led-counts.ts'
import { centre, explained, FrameBreaks } from './frame-breaks.ts'
import { sharpLags } from './lag-profile.ts'

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
 * What the bytes of a raw file say about the length of its frames, by signs that a true length and only its multiples show: an LED
 * resembles itself one frame later more than its neighbours do (`alike`); the LEDs differ from each other in the long run (`own`, the
 * share of variance that the position explains, adjusted for the number of positions); where the picture does not repeat itself at a
 * distance at which it mostly does, is a matter of the position as well (`broken`: the edge over which a text comes in); and pixels
 * that are neighbours only in the file, across the border of two frames, differ more than true neighbours (`seam`).
 */
export class PeriodEvidence {
  readonly #bytes: Uint8Array
  readonly #pixels: number
  readonly #light: Float32Array
  readonly #variance: number
  readonly #breaks: readonly FrameBreaks[]

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#pixels = Math.min(bytes.length / 3, windowPixels)
    this.#light = new Float32Array(this.#pixels)
    for (let i = 0; i < this.#pixels; i++)
      this.#light[i] = 2 * this.#byte(3 * i) + 4 * this.#byte(3 * i + 1) + this.#byte(3 * i + 2)
    this.#variance = centre(this.#light)
    const distance = (a: number, b: number) => this.#distance(a, b)
    const lags = [1, ...sharpLags(distance, this.#pixels, 3)]
    this.#breaks = lags.map(lag => new FrameBreaks(distance, this.#pixels, lag))
  }

  of(leds: number): FrameEvidence {
    const frames = Math.floor(this.#pixels / leds)
    const still = this.#still(leds)
    // A picture that runs along the strip is alike an LED further on.
    const moved = 0.8 * Math.max(this.#alike(leds + 1), this.#alike(leds - 1))
    const alike = still ? 0 : Math.max(this.#alike(leds), moved)
    const own = explained(this.#light, this.#variance, leds, frames)
    const seam = this.#seam(leds, frames)
    const broken = this.#broken(leds, frames)
    const usual = commonLedCounts.get(leds) ?? 0
    const score =
      3 * alike +
      2 * own +
      2 * broken +
      0.5 * seam +
      usual +
      sizePrior(leds) -
      (still ? 2.5 : 0) -
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

  /** All frames are the same picture: what is drawn as an animation repeats after several frames, not after each. */
  #still(leds: number): boolean {
    if (leds * 2 > this.#pixels) return false
    const window = this.#bytes.subarray(0, this.#pixels * 3)
    const later = window.subarray(leds * 3)
    return Buffer.compare(later, window.subarray(0, later.length)) === 0
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

  /** 0 … 2: how much of the breaks the position in a frame explains, at the clearest distance; twice as much at that of a frame. */
  #broken(leds: number, frames: number): number {
    const near = (lag: number) => lag > 8 && Math.abs(lag - leds) <= Math.max(2, leds * 0.03)
    return Math.max(
      ...this.#breaks.map(breaks => breaks.explained(leds, frames) * (near(breaks.lag) ? 2 : 1)),
    )
  }

  #seam(leds: number, frames: number): number {
    const seams = this.#breaks.map(breaks => breaks.seam(leds, frames)).filter(seam => seam !== undefined)
    return seams.length === 0 ? 0 : Math.max(-1, ...seams)
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
