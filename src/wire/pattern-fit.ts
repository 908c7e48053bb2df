/** Why a pattern does not go onto a board. `shape`: geometry or number of LEDs; `unknown`: nothing is known of what the board takes. */
export interface FitProblem {
  readonly kind: 'shape' | 'power' | 'size' | 'reading' | 'unknown'
  readonly message: string
}

/** What would make it fit; the figures were found by trying. */
export interface FitAdvice {
  readonly kind: 'shape' | 'power' | 'brightness' | 'frames' | 'rate' | 'palette' | 'connect'
  readonly message: string
  /** The highest, 0 to 255. */
  readonly brightness?: number
  /** So many of the first frames fit. */
  readonly frames?: number
  /** One frame of so many is kept. */
  readonly everyNth?: number
  readonly stepsPerChannel?: number
  readonly neededBytes?: number
}

/** A pattern and one board, of GET /patterns/:id/fit. */
export interface BoardFit {
  readonly boardId: string
  readonly name: string
  readonly fits: boolean
  /** Manifest, journal and image in the slot (SPEC §4.4); null: no image can be made. */
  readonly neededBytes: number | null
  readonly slotBytes: number | null
  /** Kilobytes too much after compression; 0: the size is right. */
  readonly overKb: number
  /** Highest estimated current; null: not known. */
  readonly peakMa: number | null
  /** null: there is no cap. */
  readonly capMa: number | null
  readonly problems: readonly FitProblem[]
  readonly advice: readonly FitAdvice[]
}

/** Answer of GET /patterns/:id/fit. */
export interface PatternFitView {
  readonly boards: readonly BoardFit[]
}
