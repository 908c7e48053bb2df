import { fail, ok, type Result } from '../../kernel/result.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import { ApngFrames } from './apng-frames.ts'
import { eachPngChunk, type PngChunk, u16be, u32be } from './png-chunks.ts'

/** IHDR (PNG 3rd edition, §11.2.1). */
export interface PngHeader {
  readonly width: number
  readonly height: number
  readonly bitDepth: number
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colorType: number
  readonly interlaced: boolean
}

/** One picture of the file: the only one, or a frame of an animation. Nothing is decompressed. */
export interface PngImage {
  /** Where it begins in the file. */
  readonly offset: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly delayMs: number
  /** §11.3.6.3: 0 leave, 1 clear, 2 as before. */
  readonly disposal: number
  /** Drawn over what is there; false: in its place. */
  readonly over: boolean
  /** The compressed rows, in pieces. */
  readonly data: readonly Uint8Array[]
}

export interface PngFile extends PngHeader {
  /** RGB, 3 bytes a colour. */
  readonly palette: Uint8Array | undefined
  /** tRNS: alpha of palette entries, or the one transparent grey or colour in 16-bit samples. */
  readonly transparency: Uint8Array | undefined
  readonly images: readonly PngImage[]
  /** Passes of an animation, 0 = for ever; null: a still picture. */
  readonly plays: number | null
}

const depths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}

/** Reads the chunks of a PNG or APNG with at most `maxImages` frames. Every fault names the byte. */
export function parsePng(bytes: Uint8Array, maxImages: number): Result<PngFile, PatternFault> {
  const reader = new PngReader(maxImages)
  const read = eachPngChunk(bytes, chunk => reader.take(chunk))
  return read.ok ? reader.finish() : read
}

class PngReader {
  readonly #maxImages: number
  #header: PngHeader | undefined
  #palette: Uint8Array | undefined
  #transparency: Uint8Array | undefined
  readonly #data: Uint8Array[] = []
  #dataAt = 0
  #dataEnded = false
  #animation: ApngFrames | undefined
  #endAt = 0

  constructor(maxImages: number) {
    this.#maxImages = maxImages
  }

  take(chunk: PngChunk): PatternFault | undefined {
    const { offset, type, data } = chunk
    if (this.#header === undefined) return this.#takeHeader(chunk)
    if (this.#data.length > 0 && type !== 'IDAT') this.#dataEnded = true
    switch (type) {
      case 'IHDR':
        return invalidAt(offset, 'a second IHDR chunk; a PNG has one header')
      case 'PLTE':
        return this.#takePalette(chunk, this.#header)
      case 'tRNS':
        return this.#takeTransparency(chunk, this.#header)
      case 'IDAT':
        if (this.#dataEnded)
          return invalidAt(offset, 'an IDAT chunk apart from the others; they follow one another')
        if (this.#data.length === 0) this.#dataAt = offset
        this.#data.push(data)
        return undefined
      case 'acTL':
        // After the picture it means nothing (§11.3.6.1).
        if (this.#data.length > 0) return undefined
        if (this.#animation !== undefined)
          return invalidAt(offset, 'a second acTL chunk; a PNG has one animation')
        this.#animation = new ApngFrames(chunk, this.#header, this.#maxImages)
        return this.#animation.problem
      case 'fcTL':
        return this.#animation?.control(chunk, this.#data.length > 0)
      case 'fdAT':
        return this.#animation?.frameData(chunk, this.#data.length > 0)
      case 'IEND':
        this.#endAt = offset
        return undefined
      default:
        return /^[A-Z]/.test(type)
          ? invalidAt(
              offset,
              `the picture needs a ${type} chunk, which the PNG standard does not know; save it as a plain PNG`,
            )
          : undefined
    }
  }

  finish(): Result<PngFile, PatternFault> {
    const header = this.#header
    if (header === undefined) return fail(invalidAt(8, 'the PNG has no header (IHDR)'))
    if (this.#data.length === 0) return fail(invalidAt(this.#endAt, 'the PNG ends without a picture (IDAT)'))
    if (header.colorType === 3 && this.#palette === undefined)
      return fail(
        invalidAt(this.#dataAt, 'the PNG has colour numbers, but no palette (PLTE) before its picture'),
      )
    const still: PngImage = {
      offset: this.#dataAt,
      x: 0,
      y: 0,
      width: header.width,
      height: header.height,
      delayMs: 0,
      disposal: 0,
      over: false,
      data: this.#data,
    }
    const animation = this.#animation
    const images = animation === undefined ? ok([still]) : animation.finish(this.#data)
    if (!images.ok) return images
    return ok({
      ...header,
      palette: this.#palette,
      transparency: this.#transparency,
      images: images.value,
      plays: animation === undefined ? null : animation.plays,
    })
  }

  #takeHeader({ offset, type, data }: PngChunk): PatternFault | undefined {
    if (type !== 'IHDR' || data.length !== 13)
      return invalidAt(
        offset,
        `the PNG begins with a ${type} chunk of ${data.length} bytes; expected IHDR with 13`,
      )
    const [width, height] = [u32be(data, 0), u32be(data, 4)]
    const [bitDepth = 0, colorType = 0, compression, filter, interlace = 0] = data.subarray(8)
    const at = offset + 8
    if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff)
      return invalidAt(at, `the canvas of the PNG is ${width}×${height}`)
    if (depths[colorType]?.includes(bitDepth) !== true)
      return invalidAt(at + 8, `no PNG has ${bitDepth} bits of colour type ${colorType}`)
    if (compression !== 0 || filter !== 0 || interlace > 1) {
      const message = `compression ${compression}, filter ${filter} and interlace ${interlace}; PNG knows 0, 0 and 0 or 1`
      return invalidAt(at + 10, message)
    }
    this.#header = { width, height, bitDepth, colorType, interlaced: interlace === 1 }
    return undefined
  }

  #takePalette({ offset, data }: PngChunk, { colorType, bitDepth }: PngHeader): PatternFault | undefined {
    // For true colour it is a suggestion, which nobody needs.
    if (colorType !== 3) return undefined
    if (this.#palette !== undefined) return invalidAt(offset, 'a second PLTE chunk; a PNG has one palette')
    if (data.length === 0 || data.length % 3 !== 0 || data.length > 3 << bitDepth) {
      const message = `a palette of ${data.length} bytes; expected 3 for each of 1 to ${1 << bitDepth} colours`
      return invalidAt(offset, message)
    }
    this.#palette = data
    return undefined
  }

  #takeTransparency({ offset, data }: PngChunk, { colorType }: PngHeader): PatternFault | undefined {
    if (colorType > 3 || this.#data.length > 0) return undefined
    const most = colorType === 0 ? 2 : colorType === 2 ? 6 : (this.#palette?.length ?? 0) / 3
    if (colorType === 3 ? data.length > most : data.length !== most)
      return invalidAt(
        offset,
        `a tRNS chunk of ${data.length} bytes; ${most} fit colour type ${colorType} and its palette`,
      )
    this.#transparency = colorType === 3 ? data : trimmed(data, colorType)
    return undefined
  }
}

/** The samples as they are, for comparison with those of pixels. */
const trimmed = (data: Uint8Array, colorType: number): Uint8Array => data.subarray(0, colorType === 0 ? 2 : 6)

/** The grey value or the colour that is transparent, in samples of the file's own depth. */
export const transparentSamples = (transparency: Uint8Array): readonly number[] =>
  Array.from({ length: transparency.length / 2 }, (_, at) => u16be(transparency, at * 2))
