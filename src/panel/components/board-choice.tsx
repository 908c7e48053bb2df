import type { BoardView } from '../../wire/board.ts'
import type { CandidateView } from '../../wire/pattern.ts'
import type { BoardFit } from '../../wire/pattern-fit.ts'
import { boardShape, stateWord } from '../model/boards.ts'
import { fitOf } from '../model/fit.ts'
import { Badge } from './badge.tsx'

interface Props {
  readonly boards: readonly BoardView[]
  /** null: raw bytes, which are not compared with a board. */
  readonly candidate: CandidateView | null
  /** What compiling for the boards has said so far, by their ids. */
  readonly fits: ReadonlyMap<string, BoardFit>
  readonly chosen: ReadonlySet<string>
  readonly onChange: (chosen: ReadonlySet<string>) => void
}

const tones = { fits: 'ok', scaled: 'ok', partly: 'warn', not: 'bad' } as const

/** Boards with how the pattern fits onto each. */
export function BoardChoice({ boards, candidate, fits, chosen, onChange }: Props) {
  const toggle = (id: string) => {
    const next = new Set(chosen)
    if (!next.delete(id)) next.add(id)
    onChange(next)
  }
  return (
    <fieldset class="choices">
      <legend class="visually-hidden">Boards to send it to</legend>
      {boards.map(board => {
        const fit = candidate === null ? null : fitOf(candidate, board)
        const tried = fits.get(board.id)
        const refused = tried !== undefined && !tried.fits && fit?.kind !== 'not'
        return (
          <label key={board.id} class="choice">
            <input type="checkbox" checked={chosen.has(board.id)} onChange={() => toggle(board.id)} />
            <span class="choice-name">
              <strong class="clip">{board.name}</strong>
              <span class="quiet small">
                {boardShape(board)}
                {board.state !== 'connected' && ` · ${stateWord[board.state].toLowerCase()}, so it waits`}
              </span>
              {fit !== null && !refused && <Badge tone={tones[fit.kind]} text={fit.words} />}
              {refused && (
                <span class="small">
                  <Badge
                    tone="bad"
                    text={tried.overKb > 0 ? `${tried.overKb} KB too large` : 'not as it is'}
                  />{' '}
                  {[...tried.problems, ...tried.advice].map(({ message }) => message).join(' ')}
                </span>
              )}
            </span>
          </label>
        )
      })}
    </fieldset>
  )
}
