import { fail, ok } from '../../kernel/result.ts'
import type { Frame } from '../pattern.ts'
import { refusedLayout } from './canvas-format.ts'
import { type Area, changedArea, cutArea } from './changed-area.ts'
import type { Exporter } from './exporter.ts'
import { pngChunk, pngColors, pngData, pngHead, pngSignature } from './png-encode.ts'

/** A delay as the format holds it: seconds as a fraction of two 16-bit numbers. */
interface Delay {
  readonly numerator: number
  readonly denominator: number
}

/** Frames of a matrix for LEDs are no smaller in parts, and readers that cannot compose show whole ones rightly. */
const wholePixels = 64 * 64

/** Animated PNG (PNG 3rd edition, §11.3.6): every pixel, time and the loop count are kept; each frame of a large one holds what has changed. */
export const apngExporter: Exporter = {
  format: 'apng',
  extensions: ['.apng'],
  summary: 'animated PNG, without any loss',
  write: (pattern, options) => {
    const refused = refusedLayout('APNG', options)
    if (refused !== undefined) return fail(refused)
    const colors = pngColors(colorsOf(pattern.frames))
    const images: Uint8Array[] = []
    let sequence = 0
    let before: Uint8Array | undefined
    let parts = 0
    const totalBytes = pattern.leds * 3 * pattern.frames.length
    const isSmall = pattern.leds <= wholePixels
    for (const { pixels, delayMs } of pattern.frames) {
      for (const delay of delayParts(delayMs)) {
        const whole = { x: 0, y: 0, width: pattern.width, height: pattern.height }
        const area = before === undefined || isSmall ? whole : changedArea(before, pixels, pattern)
        const data = pngData(cutArea(pixels, pattern.width, area), area, colors, totalBytes)
        images.push(frameControl(sequence++, area, delay))
        images.push(before === undefined ? pngChunk('IDAT', data) : pngChunk('fdAT', u32(sequence++), data))
        before = pixels
        parts++
      }
    }
    if (before === undefined)
      return fail({ kind: 'does_not_fit', message: 'an APNG needs a frame; the pattern has none' })
    const control = pngChunk('acTL', u32(parts), u32(pattern.loopCount))
    const [header = new Uint8Array(0), ...palette] = pngHead(pattern, colors)
    const bytes = Buffer.concat([pngSignature, header, control, ...palette, ...images, pngChunk('IEND')])
    const more = parts - pattern.frames.length
    const notes =
      more === 0
        ? []
        : [`an APNG has no such long times in one piece: ${more} more frames repeat the picture before them`]
    return ok({ bytes, notes })
  },
}

function* colorsOf(frames: readonly Frame[]): Generator<Uint8Array> {
  for (const { pixels } of frames) yield pixels
}

function frameControl(sequence: number, { x, y, width, height }: Area, delay: Delay): Uint8Array {
  const rest = Buffer.alloc(6)
  rest.writeUInt16BE(delay.numerator, 0)
  rest.writeUInt16BE(delay.denominator, 2)
  // Dispose NONE, blend SOURCE: the area is replaced, the rest stays.
  return pngChunk('fcTL', u32(sequence), u32(width), u32(height), u32(x), u32(y), rest)
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value, 0)
  return bytes
}

/** The time in as few exact parts as the format allows: one for every time up to 65.535 s and for whole seconds up to 18 h. */
function delayParts(delayMs: number): readonly Delay[] {
  const divisor = gcd(delayMs, 1000)
  if (delayMs / divisor <= 0xffff) return [{ numerator: delayMs / divisor, denominator: 1000 / divisor }]
  const seconds = Math.min(0xffff, Math.floor(delayMs / 1000))
  return [{ numerator: seconds, denominator: 1 }, ...delayParts(delayMs - seconds * 1000)]
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
