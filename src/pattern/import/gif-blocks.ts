import { fail, ok, type Result } from '../../kernel/result.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import { u16 } from './timed-frames.ts'

/** One image of a GIF as its blocks describe it; nothing is decoded. */
export interface GifImage {
  readonly offset: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly interlaced: boolean
  readonly paletteAt: number
  readonly paletteSize: number
  readonly minCodeSize: number
  /** First sub-block of the image data. */
  readonly dataAt: number
  readonly delayMs: number
  readonly transparent: number | null
  readonly disposal: number
}

export interface GifFile {
  readonly width: number
  readonly height: number
  /** NETSCAPE2.0: 0 = for ever; null: no such extension, play once. */
  readonly loopCount: number | null
  readonly images: readonly GifImage[]
}

export const isGif = (bytes: Uint8Array): boolean =>
  /^GIF8[79]a$/.test(Buffer.from(bytes.subarray(0, 6)).toString('latin1'))

/** Reads the block structure of a GIF (87a or 89a) up to `maxImages` images. Every fault names the byte. */
export function parseGif(bytes: Uint8Array, maxImages: number): Result<GifFile, PatternFault> {
  if (bytes.length < 13) return fail(invalidAt(bytes.length, 'the GIF ends inside its header'))
  const width = u16(bytes, 6)
  const height = u16(bytes, 8)
  if (width === 0 || height === 0) return fail(invalidAt(6, `the GIF's canvas is ${width}×${height}`))
  const global = palette(bytes[10] ?? 0, 13)
  const images: GifImage[] = []
  let control = { delayMs: 100, transparent: null as number | null, disposal: 0 }
  let loopCount: number | null = null
  let at = global.end
  while (at < bytes.length && bytes[at] !== 0x3b) {
    const start = at
    const introducer = bytes[at]
    if (introducer === 0x21) {
      const label = bytes[at + 1]
      const body = at + 2
      if (label === 0xf9 && bytes[body] === 4) {
        const delay = u16(bytes, body + 2)
        const flags = bytes[body + 1] ?? 0
        control = {
          delayMs: delay <= 1 ? 100 : delay * 10,
          transparent: flags & 1 ? (bytes[body + 4] ?? 0) : null,
          disposal: (flags >> 2) & 7,
        }
      } else if (label === 0xff && isNetscapeLoop(bytes, body)) loopCount = u16(bytes, body + 14)
      at = skipSubBlocks(bytes, body)
    } else if (introducer === 0x2c) {
      if (images.length >= maxImages)
        return fail({ kind: 'too_large', message: `the GIF has more than ${maxImages} frames` })
      const flags = bytes[at + 9] ?? 0
      const local = palette(flags, at + 10)
      const used = local.size > 0 ? local : global
      const image: GifImage = {
        offset: start,
        x: u16(bytes, at + 1),
        y: u16(bytes, at + 3),
        width: u16(bytes, at + 5),
        height: u16(bytes, at + 7),
        interlaced: (flags & 0x40) !== 0,
        paletteAt: used.at,
        paletteSize: used.size,
        minCodeSize: bytes[local.end] ?? 0,
        dataAt: local.end + 1,
        ...control,
      }
      at = skipSubBlocks(bytes, image.dataAt)
      const problem = at > bytes.length ? undefined : imageProblem(image, width, height)
      if (problem !== undefined) return fail(invalidAt(start, problem))
      images.push(image)
      control = { delayMs: 100, transparent: null, disposal: 0 }
    } else
      return fail(
        invalidAt(
          start,
          `0x${(introducer ?? 0).toString(16)} begins no GIF block; expected 0x21, 0x2c or 0x3b`,
        ),
      )
    if (at > bytes.length)
      return fail(
        invalidAt(
          bytes.length,
          `the GIF ends inside the block that begins at byte ${start}; it was cut short`,
        ),
      )
  }
  if (images.length === 0) return fail(invalidAt(Math.min(at, bytes.length), 'the GIF ends without an image'))
  return ok({ width, height, loopCount, images })
}

function imageProblem(image: GifImage, width: number, height: number): string | undefined {
  if (image.width === 0 || image.height === 0) return 'an image without pixels'
  if (image.x + image.width > width || image.y + image.height > height)
    return `an image of ${image.width}×${image.height} at ${image.x},${image.y} does not lie within the canvas of ${width}×${height}`
  if (image.paletteSize === 0) return 'an image without any colour table'
  if (image.minCodeSize < 1 || image.minCodeSize > 8)
    return `a code size of ${image.minCodeSize} bits; GIF images have 2 to 8`
  return undefined
}

function palette(
  flags: number,
  at: number,
): { readonly at: number; readonly size: number; readonly end: number } {
  const size = flags & 0x80 ? 2 << (flags & 7) : 0
  return { at, size, end: at + size * 3 }
}

const isNetscapeLoop = (bytes: Uint8Array, at: number): boolean =>
  Buffer.from(bytes.subarray(at, at + 14)).toString('latin1') === '\x0bNETSCAPE2.0\x03\x01'

/** Offset after the sub-blocks that begin at `at`; beyond the end of the file when they do not end within it. */
function skipSubBlocks(bytes: Uint8Array, at: number): number {
  let next = at
  for (let size = bytes[next]; size !== 0; size = bytes[next]) {
    if (size === undefined) return bytes.length + 1
    next += 1 + size
  }
  return next + 1
}

/** The sub-blocks that begin at `at`, joined. */
export function joinSubBlocks(bytes: Uint8Array, at: number): Uint8Array {
  const parts: Uint8Array[] = []
  let next = at
  for (let size = bytes[next] ?? 0; size !== 0; size = bytes[next] ?? 0) {
    parts.push(bytes.subarray(next + 1, next + 1 + size))
    next += 1 + size
  }
  return Buffer.concat(parts)
}
