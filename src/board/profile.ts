/** What the gateway must know of a board to compile a pattern for it. Geometry is the board's own word unless someone corrected it. */
export interface BoardProfile {
  readonly leds: number
  /** 0: not a matrix. */
  readonly width: number
  readonly height: number
  readonly wiring: string
  /** JSON of a layout (docs/formats.md), instead of wiring; width and height are then those of its canvas. */
  readonly layout?: string | undefined
  readonly colorOrder: string
  /** Highest current that the supply may deliver, mA; undefined: no cap. */
  readonly powerCapMa: number | undefined
}

export const defaultWiring = 'row-straight-tl'
export const defaultColorOrder = 'RGB'
