import { wiringMap } from '../wiring.ts'
import { type Cell, mostCells } from './layout.ts'
import type { FormOf } from './layout-forms.ts'
import type { Placed } from './placed.ts'

/** A whole matrix. */
export function placeMatrix({ width, height, wiring }: FormOf<'matrix'>): Placed {
  if (width * height > mostCells) return `a canvas has ${mostCells} cells at most, not ${width}×${height}`
  const cells = [...wiringMap(width, height, wiring)].map(
    (cell): Cell => [cell % width, Math.floor(cell / width)],
  )
  return { width, height, cells }
}

/** Single cells, as a list or drawn as a mask. */
export function placeCells(form: FormOf<'cells'>): Placed {
  const { cells, mask, wiring } = form
  if ((cells === undefined) === (mask === undefined))
    return 'give either cells (a list of [x, y] in the order of the strip) or a mask (rows of text)'
  if (cells !== undefined) {
    if (wiring !== undefined)
      return 'wiring goes with a mask; a list of cells is in the order of the strip already'
    const most = (axis: 0 | 1) => cells.reduce((greatest, cell) => Math.max(greatest, cell[axis]), 0) + 1
    return { width: form.width ?? most(0), height: form.height ?? most(1), cells }
  }
  const rows = (typeof mask === 'string' ? mask.replace(/\r?\n$/, '').split(/\r?\n/) : (mask ?? [])).map(
    row => [...row],
  )
  const width = form.width ?? rows.reduce((widest, row) => Math.max(widest, row.length), 1)
  const height = form.height ?? rows.length
  if (rows.length > height || rows.some(row => row.length > width))
    return `the mask is larger than the canvas of ${width}×${height}`
  const lit = (x: number, y: number) => ![undefined, '.', ' '].includes(rows[y]?.[x])
  const whole = placeMatrix({ kind: 'matrix', width, height, wiring: wiring ?? 'row-straight-tl' })
  return typeof whole === 'string' ? whole : { ...whole, cells: whole.cells.filter(([x, y]) => lit(x, y)) }
}
