import { fail, ok, type Result } from '../../kernel/result.ts'
import { bytesPerPixel, encodeColors, type PixelOrder, parsePixelOrder } from '../color-order.ts'
import type { PatternFault } from '../fault.ts'
import { defaultLimits, overLimit } from '../limits.ts'
import type { Pattern } from '../pattern.ts'
import { toStripOrder } from '../wiring.ts'
import type { ExportedFile, ExportOptions } from './exporter.ts'
import { loopsLost } from './losses.ts'

/** Longest delay that two bytes hold. */
const maxDelayMs = 0xffff

/** What a headered format of the Upload Bridge family holds. */
export interface TimedFormat {
  /** As in a message: `an STD file`. */
  readonly label: string
  readonly maxLeds: number
  readonly maxFrames: number
  /** The bytes before the frames, of `frames` frames with `leds` LEDs each. */
  readonly header: (leds: number, frames: number) => readonly number[]
}

export const u16le = (value: number): readonly [number, number] => [value & 0xff, value >> 8]

/** Header, then for each frame u16 delay in ms and three bytes an LED. */
export function writeTimed(
  pattern: Pattern,
  options: ExportOptions,
  format: TimedFormat,
): Result<ExportedFile, PatternFault> {
  const order = parsePixelOrder(options.colorOrder ?? 'RGB')
  if (!order.ok) return order
  if (bytesPerPixel(order.value) !== 3) {
    const message = `${format.label} has three bytes an LED; ${order.value} needs ${bytesPerPixel(order.value)}: use an order of R, G and B, or a raw file`
    return fail({ kind: 'bad_request', message })
  }
  const leds = options.map?.length ?? pattern.leds
  const frames = pattern.frames.reduce((sum, frame) => sum + Math.ceil(frame.delayMs / maxDelayMs), 0)
  const problem = misfit(leds, frames, frames - pattern.frames.length, format)
  if (problem !== undefined) return fail({ kind: 'does_not_fit', message: problem })
  const header = format.header(leds, frames)
  const stride = 2 + leds * 3
  const bytes = new Uint8Array(header.length + frames * stride)
  bytes.set(header)
  let at = header.length
  for (const { delayMs, pixels } of pattern.frames) {
    const stored = storedPixels(pixels, options.map, order.value)
    for (let leftMs = delayMs; leftMs > 0; leftMs -= maxDelayMs, at += stride) {
      bytes.set(u16le(Math.min(leftMs, maxDelayMs)), at)
      bytes.set(stored, at + 2)
    }
  }
  const split = pattern.frames.filter(frame => frame.delayMs > maxDelayMs).length
  const repeated = `${split} ${split === 1 ? 'frame' : 'frames'} longer than ${maxDelayMs} ms became ${frames - pattern.frames.length + split} equal ones`
  const notes = [
    ...(split > 0 ? [repeated] : []),
    ...loopsLost(pattern),
    ...orderNotes(pattern, options.map, order.value),
  ]
  return ok({ bytes, notes })
}

/** The pixels of a frame as they stand in the file. */
export function storedPixels(
  pixels: Uint8Array,
  map: Uint32Array | undefined,
  order: PixelOrder,
): Uint8Array {
  const inOrder = map === undefined ? pixels : toStripOrder(pixels, map, new Uint8Array(map.length * 3))
  return order === 'RGB' ? inOrder : encodeColors(inOrder, order)
}

/** A note for formats that know LEDs but no rows. */
export const rowsLost = ({ width, height }: Pattern): readonly string[] =>
  height > 1 ? [`the file does not say that it is a matrix of ${width}×${height}`] : []

/** What must be said again when the file is read. */
export function orderNotes(
  pattern: Pattern,
  map: Uint32Array | undefined,
  order: PixelOrder,
): readonly string[] {
  const left = map === undefined ? 0 : pattern.leds - map.length
  return [
    ...(left > 0 ? [`${left} of the ${pattern.leds} cells have no LED and are left out`] : []),
    ...(order === 'RGB' ? [] : [`the colours lie in the order ${order}, which the file does not say`]),
    ...(map === undefined || map.every((pixel, led) => pixel === led)
      ? []
      : ['the pixels lie in the order of the strip, which the file does not say']),
  ]
}

function misfit(leds: number, frames: number, added: number, format: TimedFormat): string | undefined {
  const count = (value: number) => value.toLocaleString('en-US')
  if (leds < 1) return `no cell has an LED; ${format.label} needs at least one`
  if (leds > format.maxLeds)
    return `the pattern has ${count(leds)} LEDs; ${format.label} holds ${count(format.maxLeds)} at most`
  if (frames > format.maxFrames) {
    const why = added > 0 ? ` (${count(added)} of them because a delay is ${maxDelayMs} ms at most)` : ''
    return `the pattern needs ${count(frames)} frames${why}; ${format.label} holds ${count(format.maxFrames)} at most`
  }
  const over = overLimit({ width: leds, height: 1, frames }, defaultLimits)
  return over === undefined ? undefined : `the file would be too large to be read again: ${over}`
}
