import type { BoardView } from '../../wire/board.ts'
import type { CandidateView } from '../../wire/pattern.ts'

/** Whether a reading of a file goes onto a board; the gateway decides when it compiles, this spares people the try. */
export interface Fit {
  readonly kind: 'fits' | 'scaled' | 'partly' | 'not'
  readonly words: string
}

type Shape = Pick<BoardView, 'leds' | 'width' | 'height'>
type Drawing = Pick<CandidateView, 'picture' | 'leds' | 'width' | 'height'>

const isMatrix = (width: number | null, height: number | null): boolean =>
  width !== null && height !== null && width > 0 && height > 1

export function fitOf({ picture, leds, width, height }: Drawing, board: Shape): Fit {
  const matrix = isMatrix(board.width, board.height)
  if (!isMatrix(width, height)) {
    if (leds === board.leds) return { kind: 'fits', words: 'fits' }
    return leds < board.leds
      ? { kind: 'partly', words: `lights ${leds} of ${board.leds} LEDs` }
      : { kind: 'not', words: `has ${leds} LEDs, the board ${board.leds}` }
  }
  if (!matrix) return { kind: 'not', words: 'needs a matrix; set the width and height of the board' }
  if (width === board.width && height === board.height) return { kind: 'fits', words: 'fits' }
  if (picture === true) return { kind: 'scaled', words: `scaled to ${board.width} × ${board.height}` }
  const turned = width === board.height && height === board.width
  return {
    kind: 'not',
    words: turned
      ? 'turned by a quarter'
      : `is ${width} × ${height}, the board ${board.width} × ${board.height}`,
  }
}
