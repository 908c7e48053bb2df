import { fail, ok, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'

/** Where the LEDs of a strip sit on a canvas. Cells without an LED are skipped; no cell has two. */
export interface Layout {
  readonly width: number
  readonly height: number
  readonly leds: number
  /** For each LED in the order of the strip its cell: y · width + x. */
  readonly map: Uint32Array
}

export type Cell = readonly [x: number, y: number]

/** Most LEDs of an image (SPEC §10.2). */
const mostLeds = 65_535
/** Cells of a canvas, with and without an LED. */
export const mostCells = 512 * 512

/** A layout whose every number holds; fault `bad_request` names the LED, counted from 0. */
export function createLayout(
  width: number,
  height: number,
  cells: readonly Cell[],
): Result<Layout, PatternFault> {
  const refuse = (message: string) =>
    fail<PatternFault>({ kind: 'bad_request', message: `layout: ${message}` })
  if (![width, height].every(side => Number.isInteger(side) && side >= 1) || width * height > mostCells)
    return refuse(`a canvas has 1 to ${mostCells} cells, not ${width}×${height}`)
  if (cells.length < 1 || cells.length > mostLeds)
    return refuse(`it places ${cells.length} LEDs; 1 to ${mostLeds} are possible`)
  const map = new Uint32Array(cells.length)
  const taken = new Map<number, number>()
  for (const [led, [x, y]] of cells.entries()) {
    if (![x, y].every(Number.isInteger) || x < 0 || y < 0 || x >= width || y >= height)
      return refuse(`LED ${led} is at ${x},${y}, outside the canvas of ${width}×${height}`)
    const cell = y * width + x
    const other = taken.get(cell)
    if (other !== undefined)
      return refuse(
        `the LEDs ${other} and ${led} are both at ${x},${y}; place each on a cell of its own, or make the canvas larger`,
      )
    taken.set(cell, led)
    map[led] = cell
  }
  return ok({ width, height, leds: map.length, map })
}
