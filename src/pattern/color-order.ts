import { fail, ok, type Result } from '../kernel/result.ts'
import type { PatternFault } from './fault.ts'

const threeColors = ['RGB', 'RBG', 'GRB', 'GBR', 'BRG', 'BGR'] as const

/** Order in which an LED chip takes its values: WS2812 is GRB, SK6812 with white GRBW. First without white, then with it last. */
export const colorOrders = [...threeColors, ...threeColors.map(order => `${order}W` as const)] as readonly (
  | `${(typeof threeColors)[number]}W`
  | (typeof threeColors)[number]
)[]

export type ColorOrder = (typeof colorOrders)[number]

/**
 * How files hold a pixel: an order of bytes, or 16 bits (5 red, 6 green, 5 blue from the top) with the high byte first or last,
 * as ffmpeg names them (`rgb565be`, `rgb565le`; libavutil/pixfmt.h).
 */
export const pixelOrders = [...colorOrders, 'RGB565BE', 'RGB565LE'] as const

export type PixelOrder = (typeof pixelOrders)[number]

/**
 * Where the white of an RGBW chip comes from; the words are WLED's. `accurate`: what R, G and B have in common is taken out of them.
 * `brighter`: it is lit as well. `none`: white stays dark.
 */
export const whiteModes = ['accurate', 'brighter', 'none'] as const

export type WhiteMode = (typeof whiteModes)[number]

/** Code of SPEC §10.2: 0 RGB … 5 BGR, +8 with white last. */
export const colorOrderCode = (order: ColorOrder): number =>
  (colorOrders.indexOf(order) % threeColors.length) + (channelsOf(order) === 4 ? 8 : 0)

/** The order that a code of SPEC §10.2 names; undefined: none. */
export const colorOrderOf = (code: number): ColorOrder | undefined =>
  colorOrders.find(order => colorOrderCode(order) === code)

/** Values that an LED chip takes: 3, or 4 with white. */
export const channelsOf = (order: ColorOrder): 3 | 4 => (order.length === 4 ? 4 : 3)

/** 2, 3 or 4. */
export const bytesPerPixel = (order: PixelOrder): 2 | 3 | 4 => (isPacked(order) ? 2 : channelsOf(order))

/** An order of a chip; fault `bad_request`. */
export const parseColorOrder = (text: string): Result<ColorOrder, PatternFault> =>
  oneOf(text, colorOrders, 'colour order')

/** An order of a file; fault `bad_request`. */
export const parsePixelOrder = (text: string): Result<PixelOrder, PatternFault> =>
  oneOf(text, pixelOrders, 'order of colours')

function oneOf<Name extends string>(
  text: string,
  names: readonly Name[],
  what: string,
): Result<Name, PatternFault> {
  const found = names.find(name => name === text.trim().toUpperCase())
  if (found !== undefined) return ok(found)
  return fail({ kind: 'bad_request', message: `'${text}' is no ${what}; use one of ${names.join(', ')}` })
}

const isPacked = (order: PixelOrder): order is 'RGB565BE' | 'RGB565LE' => order.startsWith('RGB565')

/** RGB pixels as bytes in `order`; a new buffer of `bytesPerPixel` each. 16 bits keep the top 5, 6 and 5 bits. */
export function encodeColors(
  pixels: Uint8Array,
  order: PixelOrder,
  white: WhiteMode = 'accurate',
): Uint8Array {
  if (isPacked(order)) return pack565(pixels, order === 'RGB565BE' ? 0 : 1)
  const [red, green, blue] = places(order)
  const width = channelsOf(order)
  const out = new Uint8Array((pixels.length / 3) * width)
  for (let from = 0, to = 0; from + 2 < pixels.length; from += 3, to += width) {
    const r = pixels[from] ?? 0
    const g = pixels[from + 1] ?? 0
    const b = pixels[from + 2] ?? 0
    const common = width === 3 || white === 'none' ? 0 : Math.min(r, g, b)
    const taken = white === 'accurate' ? common : 0
    out[to + red] = r - taken
    out[to + green] = g - taken
    out[to + blue] = b - taken
    if (width === 4) out[to + 3] = common
  }
  return out
}

/**
 * The reverse: bytes in `order` as RGB, as an eye sees them: white is added to the three, up to 255. With the `white` they were encoded
 * with, the pixels come back as they were. 16 bits are widened by repeating their top bits. Bytes of a pixel cut short are left out.
 */
export function decodeColors(
  bytes: Uint8Array,
  order: PixelOrder,
  white: WhiteMode = 'accurate',
): Uint8Array {
  if (isPacked(order)) return unpack565(bytes, order === 'RGB565BE' ? 0 : 1)
  const [red, green, blue] = places(order)
  const width = channelsOf(order)
  const out = new Uint8Array(Math.floor(bytes.length / width) * 3)
  for (let to = 0, from = 0; to < out.length; to += 3, from += width) {
    const added = width === 4 && white === 'accurate' ? (bytes[from + 3] ?? 0) : 0
    out[to] = Math.min(255, (bytes[from + red] ?? 0) + added)
    out[to + 1] = Math.min(255, (bytes[from + green] ?? 0) + added)
    out[to + 2] = Math.min(255, (bytes[from + blue] ?? 0) + added)
  }
  return out
}

/** Where red, green and blue stand. */
const places = (order: ColorOrder) => [order.indexOf('R'), order.indexOf('G'), order.indexOf('B')] as const

function pack565(pixels: Uint8Array, high: 0 | 1): Uint8Array {
  const out = new Uint8Array((pixels.length / 3) * 2)
  for (let from = 0, to = 0; from + 2 < pixels.length; from += 3, to += 2) {
    const green = pixels[from + 1] ?? 0
    out[to + high] = ((pixels[from] ?? 0) & 0xf8) | (green >> 5)
    out[to + 1 - high] = ((green << 3) & 0xe0) | ((pixels[from + 2] ?? 0) >> 3)
  }
  return out
}

function unpack565(bytes: Uint8Array, high: 0 | 1): Uint8Array {
  const out = new Uint8Array(Math.floor(bytes.length / 2) * 3)
  for (let to = 0, from = 0; to < out.length; to += 3, from += 2) {
    const word = ((bytes[from + high] ?? 0) << 8) | (bytes[from + 1 - high] ?? 0)
    const red = word >> 11
    const green = (word >> 5) & 0x3f
    const blue = word & 0x1f
    out[to] = (red << 3) | (red >> 2)
    out[to + 1] = (green << 2) | (green >> 4)
    out[to + 2] = (blue << 3) | (blue >> 2)
  }
  return out
}
