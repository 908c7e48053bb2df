import { inflateSync } from 'node:zlib'
import { toError } from '../../kernel/errors.ts'
import { fail, ok, type Result } from '../../kernel/result.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import type { PngFile, PngImage } from './png-file.ts'
import { type PngPass, passBytes, pngPasses, unfilterRow } from './png-rows.ts'
import { bitsPerPixel, type RowToRgba, rowToRgba } from './png-samples.ts'

/** Bytes of an image before compression. */
export const rawImageBytes = (png: PngFile, { width, height }: PngImage): number =>
  pngPasses(width, height, png.interlaced).reduce((sum, pass) => sum + passBytes(pass, bitsPerPixel(png)), 0)

/**
 * Calls `show` with the whole canvas (RGB, over black) after each image, as a viewer would: places, blending and disposals of PNG 3rd edition,
 * §11.3.6.2. What is transparent is black, as an LED is. `show` must copy what it keeps; it may return false to end the work.
 */
export function composePng(
  bytes: Uint8Array,
  png: PngFile,
  show: (canvas: Uint8Array, delayMs: number) => boolean,
): Result<true, PatternFault> {
  const canvas = new Uint8Array(png.width * png.height * 3)
  const backup = png.images.some(image => image.disposal === 2) ? new Uint8Array(canvas.length) : canvas
  const toRgba = rowToRgba(png)
  const rgba = new Uint8Array(png.width * 4)
  for (const [index, image] of png.images.entries()) {
    const raw = inflated(bytes, png, image)
    if (!raw.ok) return raw
    if (image.disposal === 2) backup.set(canvas)
    const drawn = draw(png, image, raw.value, { toRgba, rgba, canvas })
    if (!drawn.ok) return drawn
    if (!show(canvas, image.delayMs)) break
    // Before the first frame there was nothing.
    if (image.disposal === 1 || (image.disposal === 2 && index === 0)) clear(png, image, canvas)
    else if (image.disposal === 2) canvas.set(backup)
  }
  return ok(true)
}

/** The rows of an image, in a buffer of exactly the size that its geometry asks for. */
function inflated(bytes: Uint8Array, png: PngFile, image: PngImage): Result<Uint8Array, PatternFault> {
  const expected = rawImageBytes(png, image)
  const packed = joined(bytes, image.pieces)
  try {
    // One output buffer: no second copy of the picture is made. Its pages are not touched before they are filled.
    const raw = inflateSync(packed, { maxOutputLength: expected, chunkSize: Math.max(64, expected + 1) })
    if (raw.length === expected) return ok(raw)
    return fail(
      invalidAt(image.offset, `the picture gives ${raw.length} of ${expected} bytes; it is damaged`),
    )
  } catch (thrown) {
    const error = toError(thrown)
    const reason =
      'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
        ? `has more than the ${expected} bytes that its size needs`
        : `cannot be decompressed (${error.message})`
    return fail(invalidAt(image.offset, `the picture that begins here ${reason}; the file is damaged`))
  }
}

/** A view where there is one piece. */
function joined(bytes: Uint8Array, pieces: readonly number[]): Uint8Array {
  if (pieces.length === 2) return bytes.subarray(pieces[0], pieces[1])
  const parts: Uint8Array[] = []
  for (let at = 0; at < pieces.length; at += 2) parts.push(bytes.subarray(pieces[at], pieces[at + 1]))
  return Buffer.concat(parts)
}

interface Tools {
  readonly toRgba: RowToRgba
  /** Room for one row. */
  readonly rgba: Uint8Array
  readonly canvas: Uint8Array
}

function draw(png: PngFile, image: PngImage, raw: Uint8Array, tools: Tools): Result<true, PatternFault> {
  const bits = bitsPerPixel(png)
  const pixelBytes = Math.max(1, bits >> 3)
  let at = 0
  for (const pass of pngPasses(image.width, image.height, png.interlaced)) {
    const rowBytes = Math.ceil((pass.width * bits) / 8)
    let above: Uint8Array = new Uint8Array(rowBytes)
    for (let y = 0; y < pass.height; y++, at += rowBytes + 1) {
      const row = raw.subarray(at + 1, at + 1 + rowBytes)
      if (!unfilterRow(raw[at] ?? 0, row, above, pixelBytes)) {
        const message = `row ${y} of the picture that begins here has filter ${raw[at]}; PNG knows 0 to 4: the file is damaged`
        return fail(invalidAt(image.offset, message))
      }
      drawRow(png, image, pass, y, row, tools)
      above = row
    }
  }
  return ok(true)
}

function drawRow(
  png: PngFile,
  image: PngImage,
  pass: PngPass,
  y: number,
  row: Uint8Array,
  { toRgba, rgba, canvas }: Tools,
): void {
  let to = ((image.y + pass.y + y * pass.stepY) * png.width + image.x + pass.x) * 3
  if (png.colorType === 2 && png.bitDepth === 8 && png.transparency === undefined && pass.stepX === 1) {
    canvas.set(row, to)
    return
  }
  toRgba(row, pass.width, rgba)
  for (let from = 0; from < pass.width * 4; from += 4, to += pass.stepX * 3) {
    const alpha = rgba[from + 3] ?? 0
    if (alpha === 255) {
      canvas[to] = rgba[from] ?? 0
      canvas[to + 1] = rgba[from + 1] ?? 0
      canvas[to + 2] = rgba[from + 2] ?? 0
      continue
    }
    // The canvas holds colours already over black, so its own alpha need not be kept.
    const rest = image.over ? 255 - alpha : 0
    for (let c = 0; c < 3; c++)
      canvas[to + c] = ((rgba[from + c] ?? 0) * alpha + (canvas[to + c] ?? 0) * rest + 127) / 255
  }
}

function clear(png: PngFile, image: PngImage, canvas: Uint8Array): void {
  for (let row = image.y; row < image.y + image.height; row++) {
    const at = (row * png.width + image.x) * 3
    canvas.fill(0, at, at + image.width * 3)
  }
}
