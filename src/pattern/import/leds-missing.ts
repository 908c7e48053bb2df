/** The cells of a `.leds` canvas where there is no LED (`{deadpixel`, one `p:` a row; 0: there is one). */
export class MissingCells {
  /** Of the canvas, y · width + x. */
  readonly #cells: number[] = []
  #row = 0

  get count(): number {
    return this.#cells.length
  }

  /** Takes the next row; returns what is wrong with it, if anything. Rows may be written without blanks, one digit a cell. */
  takeRow(text: string, width: number, height: number): string | undefined {
    const cells = text.includes(' ') ? text.split(' ').filter(cell => cell !== '') : [...text]
    if (this.#row >= height) return `more rows of missing LEDs than the height of ${height}`
    if (cells.length !== width)
      return `the row of missing LEDs has ${cells.length} cells; the width is ${width}`
    for (const [x, cell] of cells.entries()) {
      if (!/^-?\d{1,3}$/.test(cell))
        return `'${cell.slice(0, 12)}' does not say whether there is an LED; expected 0 or 1`
      if (Number(cell) !== 0) this.#cells.push(this.#row * width + x)
    }
    this.#row++
    return undefined
  }

  /** Writes black into `frames` (RGB), which the caller owns. */
  blacken(frames: readonly Uint8Array[]): void {
    for (const frame of frames) for (const cell of this.#cells) frame.fill(0, cell * 3, cell * 3 + 3)
  }
}
