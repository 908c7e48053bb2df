import { type Wiring, wiringMap } from '../wiring.ts'
import type { Cell } from './layout.ts'
import type { FormOf } from './layout-forms.ts'
import type { Placed } from './placed.ts'

type Quarter = FormOf<'panels'>['rotate']

/** Panels of one size in a grid, each with its own wiring and turn; a chain runs from one to the next. */
export function placePanels(form: FormOf<'panels'>): Placed {
  const { columns, rows, panelWidth, panelHeight, panels = [] } = form
  const count = columns * rows
  if (panels.length > 0 && panels.length !== count)
    return `panels lists ${panels.length}, but ${columns}×${rows} are ${count}`
  if (count * panelWidth * panelHeight > 65_535)
    return `${count} panels of ${panelWidth}×${panelHeight} are more than 65535 LEDs`
  const turned = Array.from({ length: count }, (_, at) => (panels[at]?.rotate ?? form.rotate) % 180 !== 0)
  if (panelWidth !== panelHeight && new Set(turned).size > 1)
    return 'panels that are not square are all turned alike: by 0 or 180, or by 90 or 270 degrees'
  const lying = turned[0] === true
  const size = { width: lying ? panelHeight : panelWidth, height: lying ? panelWidth : panelHeight }
  const order = wiringMap(columns, rows, form.order)
  const cells: Cell[] = []
  for (let at = 0; at < count; at++) {
    const panel = panels[at]
    if ((panel?.column === undefined) !== (panel?.row === undefined))
      return `panel ${at} has a column or a row; give both or neither`
    const place = order[at] ?? 0
    const column = panel?.column ?? place % columns
    const row = panel?.row ?? Math.floor(place / columns)
    if (column >= columns || row >= rows)
      return `panel ${at} is at column ${column}, row ${row}; the grid has ${columns} columns and ${rows} rows, counted from 0`
    const wiring = panel?.wiring ?? form.wiring
    for (const [x, y] of panelCells(panelWidth, panelHeight, wiring, panel?.rotate ?? form.rotate))
      cells.push([column * size.width + x, row * size.height + y])
  }
  return { width: columns * size.width, height: rows * size.height, cells }
}

/** The cells of one panel in the order of its strip, after it was turned clockwise. */
function panelCells(width: number, height: number, wiring: Wiring, rotate: Quarter): readonly Cell[] {
  return [...wiringMap(width, height, wiring)].map((cell): Cell => {
    const [x, y] = [cell % width, Math.floor(cell / width)]
    if (rotate === 90) return [height - 1 - y, x]
    if (rotate === 180) return [width - 1 - x, height - 1 - y]
    if (rotate === 270) return [y, width - 1 - x]
    return [x, y]
  })
}
