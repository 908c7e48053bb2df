import type { BoardView } from '../../wire/board.ts'

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

/** By name, whatever their state: a tile that jumps away under the thumb is worse than a grey one between others. */
export const sortBoards = (boards: readonly BoardView[]): readonly BoardView[] =>
  boards.toSorted((a, b) => byName.compare(a.name, b.name) || (a.id < b.id ? -1 : 1))

/** The list with this board in it. */
export const withBoard = (boards: readonly BoardView[], board: BoardView): readonly BoardView[] =>
  sortBoards([...boards.filter(({ id }) => id !== board.id), board])

/** What one sees first: `12 × 6`, or `50 LEDs` for a strip. */
export const boardShape = ({ width, height, leds }: Pick<BoardView, 'width' | 'height' | 'leds'>): string =>
  width > 0 && height > 1 ? `${width} × ${height}` : `${leds} LEDs`

/** Whether a board has shown that it is the one it says. */
export const trustWord: Readonly<Record<BoardView['trust'], string>> = {
  untrusted: 'None: the board is not paired',
  paired: 'Paired',
  locked: 'Paired with another gateway',
  refused: 'Refused',
}

export const stateWord: Readonly<Record<BoardView['state'], string>> = {
  connected: 'Connected',
  away: 'Away',
  quarantined: 'Quarantined',
}
