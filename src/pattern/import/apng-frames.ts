import { fail, ok, type Result } from '../../kernel/result.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import { type PngChunk, u16be, u32be } from './png-chunks.ts'
import type { PngImage } from './png-file.ts'

/** What a viewer shows a frame without a time for, as of a GIF. */
const untimedMs = 100

/** The animation of a PNG as its chunks acTL, fcTL and fdAT describe it (PNG 3rd edition, §11.3.6). */
export class ApngFrames {
  /** 0 = for ever. */
  readonly plays: number
  readonly problem: PatternFault | undefined
  readonly #canvas: { readonly width: number; readonly height: number }
  readonly #offset: number
  readonly #announced: number
  readonly #images: Array<Omit<PngImage, 'data'> & { readonly data: Uint8Array[] }> = []
  #sequence = 0
  /** The picture of IDAT is the first frame. */
  #withDefault = false

  constructor(
    { offset, data }: PngChunk,
    canvas: { readonly width: number; readonly height: number },
    maxImages: number,
  ) {
    this.#canvas = canvas
    this.#offset = offset
    this.#announced = u32be(data, 0)
    this.plays = u32be(data, 4)
    if (data.length !== 8 || this.#announced === 0)
      this.problem = invalidAt(
        offset,
        `an acTL chunk of ${data.length} bytes for ${this.#announced} frames; expected 8 bytes and a frame`,
      )
    else if (this.#announced > maxImages)
      this.problem = {
        kind: 'too_large',
        message: `the APNG has ${this.#announced} frames; ${maxImages} is the limit`,
      }
  }

  /** fcTL: the next frame's place, time and way of drawing. */
  control({ offset, data }: PngChunk, afterData: boolean): PatternFault | undefined {
    if (data.length !== 26) return invalidAt(offset, `an fcTL chunk of ${data.length} bytes; expected 26`)
    const disorder = this.#next(offset, data)
    if (disorder !== undefined) return disorder
    if (this.#images.length === this.#announced)
      return invalidAt(offset, `a frame more than the ${this.#announced} that acTL announces`)
    const empty = this.#emptyFrame(afterData)
    if (empty !== undefined) return empty
    const [width, height, x, y] = [u32be(data, 4), u32be(data, 8), u32be(data, 12), u32be(data, 16)]
    const { width: right, height: bottom } = this.#canvas
    const isFirst = !afterData
    const fits = width > 0 && height > 0 && x + width <= right && y + height <= bottom
    if (!fits || (isFirst && (width !== right || height !== bottom))) {
      const place = isFirst ? 'fill' : 'lie within'
      return invalidAt(
        offset,
        `a frame of ${width}×${height} at ${x},${y} does not ${place} the canvas of ${right}×${bottom}`,
      )
    }
    const [disposal = 0, blend = 0] = data.subarray(24)
    if (disposal > 2 || blend > 1)
      return invalidAt(offset, `disposal ${disposal} and blending ${blend}; APNG knows 0 to 2 and 0 to 1`)
    if (isFirst) this.#withDefault = true
    const delayMs = delayOf(u16be(data, 20), u16be(data, 22))
    this.#images.push({ offset, x, y, width, height, delayMs, disposal, over: blend === 1, data: [] })
    return undefined
  }

  /** fdAT: a piece of the frame's picture. */
  frameData({ offset, data }: PngChunk, afterData: boolean): PatternFault | undefined {
    if (data.length < 4)
      return invalidAt(offset, `an fdAT chunk of ${data.length} bytes; expected 4 and more`)
    const disorder = this.#next(offset, data)
    if (disorder !== undefined) return disorder
    const image = this.#images.at(-1)
    if (!afterData || image === undefined || (this.#withDefault && this.#images.length === 1))
      return invalidAt(offset, 'an fdAT chunk before the fcTL chunk of its frame')
    image.data.push(data.subarray(4))
    return undefined
  }

  /** `picture`: the pieces of IDAT. */
  finish(picture: readonly Uint8Array[]): Result<readonly PngImage[], PatternFault> {
    if (this.#images.length !== this.#announced) {
      const message = `acTL announces ${this.#announced} frames, but the file has ${this.#images.length}; it is damaged or was cut short`
      return fail(invalidAt(this.#offset, message))
    }
    const empty = this.#emptyFrame(true)
    if (empty !== undefined) return fail(empty)
    return ok(
      this.#images.map((image, at) => (at === 0 && this.#withDefault ? { ...image, data: picture } : image)),
    )
  }

  #next(offset: number, data: Uint8Array): PatternFault | undefined {
    const sequence = u32be(data, 0)
    if (sequence !== this.#sequence)
      return invalidAt(
        offset + 8,
        `piece ${sequence} of the animation where ${this.#sequence} was expected; the file is damaged`,
      )
    this.#sequence++
    return undefined
  }

  /** The last frame must have its picture before the next begins. */
  #emptyFrame(afterData: boolean): PatternFault | undefined {
    const image = this.#images.at(-1)
    if (image === undefined || image.data.length > 0) return undefined
    if (this.#withDefault && this.#images.length === 1 && afterData) return undefined
    return invalidAt(image.offset, 'a frame without a picture (fdAT)')
  }
}

/** Seconds as a fraction; a denominator of 0 stands for 100 (§11.3.6.2). */
const delayOf = (numerator: number, denominator: number): number =>
  numerator === 0 ? untimedMs : Math.max(1, Math.round((numerator * 1000) / (denominator || 100)))
