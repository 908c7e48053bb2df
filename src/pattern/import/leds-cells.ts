/** How the cells of one kind of `.leds` frame are coloured. */
export interface CellKind {
  readonly label: string
  /** RGB of each cell value; absent: the value is a colour itself, BBGGRR. */
  readonly palette?: readonly number[]
  /** In an upper layer this value lets the lower one through; absent: the background of the header does (`BuildMergedFrame`). */
  readonly transparent?: number
}

const rgb: CellKind = { label: 'RGB' }
/** Values 2 and 3 are the second and third colour of the two-colour kinds, which are black here. */
const mono: CellKind = {
  label: 'one colour, shown white',
  palette: [0x000000, 0xffffff, 0x000000, 0x000000],
  transparent: 0,
}
const bicolour: CellKind = {
  label: 'two colours, shown red, green and yellow',
  palette: [0x000000, 0xff0000, 0x00ff00, 0xffff00],
  transparent: 0,
}
/** LED Matrix Studio `TheMatrix.h`, LEDRGB3BPPColours: bit 2 red, bit 1 green, bit 0 blue. */
const threeBits: CellKind = {
  label: '3 bits a pixel',
  palette: [0x000000, 0x0000ff, 0x00ff00, 0x00ffff, 0xff0000, 0xff00ff, 0xffff00, 0xffffff],
}

/**
 * Kinds by the name of their block. The file does not carry the colours of mono and bicolour cells, which are settings of the program;
 * these are its defaults (`SystemSettings.cpp`), with green at the full light that an LED has and not at the half of a screen's.
 */
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
    // 8 digits: a Windows colour whose top byte says where it is from (a system colour, a palette), not what it looks like.
    if (!/^([0-9a-f]{1,6}|[0-9a-f]{8})$/i.test(cell))
      return `'${cell.slice(0, 12)}' is no cell; expected up to 6 hexadecimal digits`
    const value = Number.parseInt(cell.slice(kind.palette === undefined ? -6 : 0), 16)
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
