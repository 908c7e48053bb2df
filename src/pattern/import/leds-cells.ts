/** How the cells of one kind of `.leds` frame are coloured. */
export interface CellKind {
  readonly label: string
  /** RGB of each cell value; absent: the value is a colour itself, BBGGRR. */
  readonly palette?: readonly number[]
}

const rgb: CellKind = { label: 'RGB' }
const mono: CellKind = { label: 'one colour, shown white', palette: [0x000000, 0xffffff] }
const bicolour: CellKind = {
  label: 'two colours, shown red, green and yellow',
  palette: [0x000000, 0xff0000, 0x00ff00, 0xffff00],
}
/** LED Matrix Studio `TheMatrix.h`, LEDRGB3BPPColours: bit 2 red, bit 1 green, bit 0 blue. */
const threeBits: CellKind = {
  label: '3 bits a pixel',
  palette: [0x000000, 0x0000ff, 0x00ff00, 0x00ffff, 0xff0000, 0xff00ff, 0xffff00, 0xffffff],
}

/** Kinds by the name of their block. The file does not carry the colours of the kinds with few; these are the program's own defaults. */
export const cellKinds: ReadonlyMap<string, CellKind> = new Map([
  ['anim', mono],
  ['anim2', bicolour],
  ['anim3', bicolour],
  ['anim4', rgb],
  ['anim5', threeBits],
])

/**
 * Writes the cells of `r:…` as RGB into `row` (3 bytes a pixel). Cells equal to `transparent` leave what is there.
 * Returns what is wrong with the row, if anything.
 */
export function parseRow(
  text: string,
  kind: CellKind,
  row: Uint8Array,
  transparent: number | undefined,
): string | undefined {
  const width = row.length / 3
  let at = 2
  for (let x = 0; x <= width; x++) {
    while (text.charCodeAt(at) === 0x20) at++
    if (at >= text.length) return x === width ? undefined : `the row has ${x} cells; the width is ${width}`
    if (x === width) break
    const end = text.indexOf(' ', at)
    const cell = text.slice(at, end === -1 ? text.length : end)
    if (!/^[0-9a-f]{1,6}$/i.test(cell))
      return `'${cell.slice(0, 12)}' is no cell; expected up to 6 hexadecimal digits`
    const value = Number.parseInt(cell, 16)
    const color = kind.palette === undefined ? swapRedBlue(value) : kind.palette[value]
    if (color === undefined)
      return `cell value ${value}; this kind of drawing knows 0 to ${(kind.palette?.length ?? 0) - 1}`
    if (value !== transparent) {
      row[x * 3] = color >> 16
      row[x * 3 + 1] = (color >> 8) & 0xff
      row[x * 3 + 2] = color & 0xff
    }
    at += cell.length
  }
  return `the row has more cells than the width of ${width}`
}

const swapRedBlue = (value: number) => ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)
