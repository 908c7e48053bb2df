import { fail, ok, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import { type CellKind, cellKinds } from '../import/leds-cells.ts'
import type { Pattern } from '../pattern.ts'
import type { Exporter } from './exporter.ts'
import { loopsLost, refuseOrders, timesLost } from './losses.ts'

/** `__MaxWidth` and `__MaxHeight` of the program since 0.20.27 and before. */
const maxSide = 1024
const olderMaxSide = 256

/** Block names (`FileConstants.h`) by what a cell can show. */
const blocks: ReadonlyMap<string, string> = new Map([
  ['rgb', 'anim4'],
  ['mono', 'anim'],
  ['bicolour', 'anim2'],
  ['3bpp', 'anim5'],
])

/**
 * LED Matrix Studio `.leds`, laid out as the program itself saves (`TheMatrix.cpp`, SaveAnimation): one layer, six digits a cell and a
 * blank after each, since its reader takes the last character of a row for an end of cell.
 */
export const ledsExporter: Exporter = {
  format: 'leds',
  extensions: ['.leds'],
  summary: 'LED Matrix Studio drawing; keeps no times; --color-mode rgb, mono, bicolour or 3bpp',
  write: (pattern, options) => {
    const orders = refuseOrders('a .leds drawing', options)
    if (!orders.ok) return orders
    const mode = options.colorMode?.trim().toLowerCase() ?? 'rgb'
    const block = blocks.get(mode)
    const kind = cellKinds.get(block ?? '')
    if (block === undefined || kind === undefined) {
      const message = `'${options.colorMode}' is no kind of .leds drawing; use one of ${[...blocks.keys()].join(', ')}`
      return fail({ kind: 'bad_request', message })
    }
    const { width, height } = pattern
    if (Math.max(width, height) > maxSide) {
      const message = `the pattern is ${width}×${height}; LED Matrix Studio draws ${maxSide} cells a side at most`
      return fail({ kind: 'does_not_fit', message })
    }
    const bytes = drawing(pattern, mode, block, kind)
    if (!bytes.ok) return bytes
    const large = Math.max(width, height) > olderMaxSide
    const notes = [
      `${timesLost(pattern)}: set the speed in LED Matrix Studio`,
      ...loopsLost(pattern),
      ...(large ? [`LED Matrix Studio before 0.20.27 draws ${olderMaxSide} cells a side at most`] : []),
    ]
    return ok({ bytes: bytes.value, notes })
  },
}

const cellBytes = 7

function drawing(
  pattern: Pattern,
  mode: string,
  block: string,
  kind: CellKind,
): Result<Uint8Array, PatternFault> {
  const { width, height, frames } = pattern
  const start = Buffer.from(header(pattern))
  const opening = Buffer.from(`{${block}\nw:${width}\nh:${height}\n`)
  const closing = Buffer.from('p:0\n}\n')
  const missing = Buffer.from(`{deadpixel\n${`p:${'0 '.repeat(width)}\n`.repeat(height)}}\n`)
  const frameBytes = opening.length + height * (2 + width * cellBytes + 1) + closing.length
  const out = Buffer.alloc(start.length + frames.length * frameBytes + missing.length)
  // Reversed, so that of two values of one colour the first is written.
  const values =
    kind.palette &&
    new Map([...kind.palette.entries()].map(([value, color]) => [color, value] as const).reverse())
  let at = start.copy(out)
  for (const [index, { pixels }] of frames.entries()) {
    at += opening.copy(out, at)
    for (let y = 0; y < height; y++) {
      at += out.write('r:', at, 'latin1')
      for (let x = 0; x < width; x++) {
        const from = (y * width + x) * 3
        const color = ((pixels[from] ?? 0) << 16) | ((pixels[from + 1] ?? 0) << 8) | (pixels[from + 2] ?? 0)
        const value = values === undefined ? swapRedBlue(color) : values.get(color)
        if (value === undefined)
          return fail(otherColor(color, mode, kind, `frame ${index}, row ${y}, column ${x}`))
        at = writeCell(out, at, value)
      }
      out[at++] = 0x0a
    }
    at += closing.copy(out, at)
  }
  missing.copy(out, at)
  return ok(out)
}

/** Six digits and a blank. */
function writeCell(out: Buffer, at: number, value: number): number {
  for (let digit = 0; digit < 6; digit++)
    out[at + digit] = hexDigits.charCodeAt((value >> (20 - 4 * digit)) & 0xf)
  out[at + 6] = 0x20
  return at + cellBytes
}

const hexDigits = '0123456789ABCDEF'

const swapRedBlue = (color: number): number => ((color & 0xff) << 16) | (color & 0xff00) | (color >> 16)

/** The keys that the program writes where its export options were never touched; its reader wants a number behind each but `w` and `x`. */
const header = ({ width, height, frames }: Pattern): string =>
  [
    '{header',
    ...[
      '1:0',
      '2:1',
      '3:0',
      '4:0',
      '5:0',
      '6:20',
      '7:2',
      '8:15',
      '9:0',
      '0:0',
      '!:0',
      '-:()',
      'w:',
      'x:',
      'z:0',
    ],
    `?:0,${frames.length - 1}`,
    '%:1',
    '}',
    '[layer',
    'n:Bottom layer',
    `w:${width}`,
    `h:${height}`,
    'l:0',
    ']',
    '',
  ].join('\n')

function otherColor(color: number, mode: string, kind: CellKind, place: string): PatternFault {
  const hex = (value: number) => `#${value.toString(16).padStart(6, '0')}`
  const known = [...new Set(kind.palette)].map(hex).join(', ')
  return {
    kind: 'does_not_fit',
    message: `${place} has the colour ${hex(color)}; a ${mode} drawing knows ${known}: write it as rgb, or reduce the colours first`,
  }
}
