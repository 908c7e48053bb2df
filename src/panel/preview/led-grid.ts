/** Where the LEDs stand on a canvas, in device pixels. All cells are equal and whole, so that no LED looks larger than another. */
export interface LedGrid {
  readonly columns: number
  readonly rows: number
  /** Device pixels from LED to LED; below 1 the picture is scaled down as a whole. */
  readonly cell: number
  readonly left: number
  readonly top: number
  /** There is room for round LEDs. */
  readonly round: boolean
}

/** Smaller than this, a circle is only a smudge. */
const smallestRound = 4

/** A strip that would be too fine to see goes on in the next line, as text does. */
export function ledGrid(
  pattern: { readonly width: number; readonly height: number },
  canvas: { readonly width: number; readonly height: number },
): LedGrid {
  const { columns, rows } = wrapped(pattern, canvas)
  const exact = Math.min(canvas.width / columns, canvas.height / rows)
  const cell = exact >= 1 ? Math.floor(exact) : exact
  return {
    columns,
    rows,
    cell,
    left: Math.max(0, Math.floor((canvas.width - cell * columns) / 2)),
    top: Math.max(0, Math.floor((canvas.height - cell * rows) / 2)),
    round: cell >= smallestRound,
  }
}

function wrapped(
  { width, height }: { readonly width: number; readonly height: number },
  canvas: { readonly width: number; readonly height: number },
): { readonly columns: number; readonly rows: number } {
  if (height > 1 || canvas.width / width >= 2 * smallestRound || canvas.height <= 0)
    return { columns: width, rows: height }
  const columns = Math.min(width, Math.max(1, Math.ceil(Math.sqrt((width * canvas.width) / canvas.height))))
  return { columns, rows: Math.ceil(width / columns) }
}
