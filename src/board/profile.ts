/** What the gateway must know of a board to compile a pattern for it. Geometry is the board's own word unless someone corrected it. */
export interface BoardProfile {
  readonly leds: number
  /** 0: not a matrix. */
  readonly width: number
  readonly height: number
  readonly wiring: string
  readonly colorOrder: string
  /** Highest current that the supply may deliver, mA; undefined: no cap. */
  readonly powerCapMa: number | undefined
}

export const defaultWiring = 'row-straight-tl'
export const defaultColorOrder = 'RGB'
