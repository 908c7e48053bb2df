import { useState } from 'preact/hooks'
import type { CandidateView } from '../../wire/pattern.ts'
import { CandidateCard } from './candidate-card.tsx'
import type { Hints } from './reading-hints.tsx'

/** So many play at once; the others wait behind a button. */
const firstShown = 6

interface Props {
  readonly patternId: string
  readonly candidates: readonly CandidateView[]
  readonly hints: Hints
  readonly chosen: number
  readonly onChoose: (index: number) => void
}

/** All readings side by side, best first. */
export function CandidateChoice({ patternId, candidates, hints, chosen, onChoose }: Props) {
  const [all, setAll] = useState(false)
  const shown = all ? candidates : candidates.slice(0, firstShown)
  const more = candidates.length - shown.length
  return (
    <>
      <fieldset class="candidates">
        <legend class="visually-hidden">How to read the file</legend>
        {shown.map(candidate => (
          <CandidateCard
            key={candidate.index}
            patternId={patternId}
            candidate={candidate}
            hints={hints}
            best={candidate.index === 0 && candidates.length > 1}
            chosen={candidate.index === chosen}
            onChoose={() => onChoose(candidate.index)}
          />
        ))}
      </fieldset>
      {more > 0 && (
        <button type="button" class="button small" onClick={() => setAll(true)}>
          Show {more} more
        </button>
      )}
    </>
  )
}
