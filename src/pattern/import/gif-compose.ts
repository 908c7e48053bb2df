import { fail, ok, type Result } from '../../kernel/result.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import { type GifFile, type GifImage, joinSubBlocks } from './gif-blocks.ts'
import { GifLzw } from './gif-lzw.ts'

/**
 * Calls `show` with the whole canvas (RGB) after each image, as a viewer would: partial images, transparency and the three
 * disposals of GIF89a §23. Cleared areas are black, as an LED is. `show` must copy what it keeps.
 */
export function composeGif(
  bytes: Uint8Array,
  gif: GifFile,
  show: (canvas: Uint8Array, delayMs: number) => void,
): Result<true, PatternFault> {
  const canvas = new Uint8Array(gif.width * gif.height * 3)
  const needsBackup = gif.images.some(image => image.disposal === 3)
  const backup = needsBackup ? new Uint8Array(canvas.length) : canvas
  const indices = new Uint8Array(
    gif.images.reduce((most, { width, height }) => Math.max(most, width * height), 0),
  )
  const lzw = new GifLzw()
  for (const image of gif.images) {
    const pixels = indices.subarray(0, image.width * image.height)
    const written = lzw.decode(joinSubBlocks(bytes, image.dataAt), image.minCodeSize, pixels)
    if (written < pixels.length) {
      const message = `the image data gives ${written} of ${pixels.length} pixels; it is damaged`
      return fail(invalidAt(image.offset, message))
    }
    if (image.disposal === 3) backup.set(canvas)
    draw(bytes, gif, image, pixels, canvas)
    show(canvas, image.delayMs)
    if (image.disposal === 2) clear(gif, image, canvas)
    else if (image.disposal === 3) canvas.set(backup)
  }
  return ok(true)
}

function draw(
  bytes: Uint8Array,
  gif: GifFile,
  image: GifImage,
  pixels: Uint8Array,
  canvas: Uint8Array,
): void {
  let from = 0
  for (const row of image.interlaced ? interlacedRows(image.height) : straightRows(image.height)) {
    let to = ((image.y + row) * gif.width + image.x) * 3
    for (let x = 0; x < image.width; x++, to += 3) {
      const index = pixels[from++] ?? 0
      if (index === image.transparent) continue
      const color = index < image.paletteSize ? image.paletteAt + index * 3 : -3
      canvas[to] = bytes[color] ?? 0
      canvas[to + 1] = bytes[color + 1] ?? 0
      canvas[to + 2] = bytes[color + 2] ?? 0
    }
  }
}

function* straightRows(height: number): Generator<number> {
  for (let row = 0; row < height; row++) yield row
}

/** GIF89a appendix E: every 8th row from 0, every 8th from 4, every 4th from 2, every 2nd from 1. */
function* interlacedRows(height: number): Generator<number> {
  for (const [first, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const)
    for (let row = first; row < height; row += step) yield row
}

function clear(gif: GifFile, image: GifImage, canvas: Uint8Array): void {
  for (let row = image.y; row < image.y + image.height; row++) {
    const at = (row * gif.width + image.x) * 3
    canvas.fill(0, at, at + image.width * 3)
  }
}
