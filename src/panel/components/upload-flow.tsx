import { useEffect, useRef, useState } from 'preact/hooks'
import type { JobView } from '../../wire/job.ts'
import type { StoredPatternView } from '../../wire/pattern.ts'
import type { BoardFit } from '../../wire/pattern-fit.ts'
import { fitOf } from '../model/fit.ts'
import { formatBytes, plural, shortDigest } from '../model/format.ts'
import { asTrouble } from '../model/problem.ts'
import { boards } from '../state/boards.ts'
import { jobs } from '../state/jobs.ts'
import { mayOperate } from '../state/session.ts'
import { loadCandidates, loadFits, loadPattern, orderUpload } from '../state/upload.ts'
import { BoardChoice } from './board-choice.tsx'
import { CandidateChoice } from './candidate-choice.tsx'
import { JobCard } from './job-card.tsx'
import { Notice } from './notice.tsx'
import { PageHead } from './page-head.tsx'
import { type Hints, ReadingHints } from './reading-hints.tsx'

const none: Hints = { leds: null, width: null, height: null }

/** A stored pattern on its way to boards: how to read it, where to, and how far it is. */
export function UploadFlow({ patternId }: { readonly patternId: string }) {
  const [stored, setStored] = useState<StoredPatternView | null>(null)
  const [hints, setHints] = useState(none)
  const [index, setIndex] = useState(0)
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null)
  const [scalePower, setScalePower] = useState(false)
  const [sent, setSent] = useState<readonly JobView[]>([])
  const [trouble, setTrouble] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const [fits, setFits] = useState<ReadonlyMap<string, BoardFit>>(new Map())
  const progress = useRef<HTMLElement>(null)

  const guarded = async (act: () => Promise<void>) => {
    setTrouble(null)
    setBusy(true)
    try {
      await act()
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
    setBusy(false)
  }
  // Another pattern is another page.
  useEffect(() => {
    void guarded(async () => {
      const found = await loadPattern(patternId)
      const { leds = null, width = null, height = null, candidate = 0 } = found.pattern.reading
      setHints({ leds, width, height })
      setIndex(candidate)
      setStored(found)
    })
  }, [patternId])
  const reading = stored?.candidates[index]?.index
  useEffect(() => {
    if (stored === null) return
    let asked = true
    setFits(new Map())
    // The words of the shapes are there meanwhile; compiling takes its time, and an upload says the same.
    loadFits(patternId, { ...hints, candidate: reading }, scalePower).then(
      found => asked && setFits(found),
      () => undefined,
    )
    return () => {
      asked = false
    }
  }, [stored, reading, scalePower])
  useEffect(() => {
    if (sent.length > 0) progress.current?.scrollIntoView({ block: 'end' })
  }, [sent])
  if (stored === null)
    return trouble === null ? (
      <p class="quiet">Reading the pattern …</p>
    ) : (
      <Notice tone="bad">{trouble}</Notice>
    )

  const { pattern, candidates } = stored
  const candidate = candidates[index] ?? null
  const raw = candidates.length === 0
  const all = boards.value ?? []
  // A single board that it fits is what is meant.
  const fitting = all.filter(board => raw || (candidate !== null && fitOf(candidate, board).kind !== 'not'))
  const only = fitting.length === 1 ? fitting.map(({ id }) => id) : []
  const targets = chosen ?? new Set(only)

  const readAgain = (given: Hints) =>
    guarded(async () => {
      const found = await loadCandidates(patternId, given)
      setHints(given)
      setIndex(0)
      setStored({ pattern, candidates: found })
    })
  const send = () =>
    guarded(async () =>
      setSent(
        await orderUpload({
          patternId,
          boards: [...targets],
          raw,
          ...hints,
          candidate: candidate?.index,
          scalePower: scalePower || undefined,
        }),
      ),
    )
  return (
    <div class="flow">
      <PageHead
        title={pattern.name}
        words={`${formatBytes(pattern.sizeBytes)}, SHA-256 ${shortDigest(pattern.sha256)}`}
      >
        <a class="button" href="#/upload">
          Another file
        </a>
      </PageHead>
      <section>
        <h2>{candidates.length > 1 ? 'Which one is right?' : 'This is how it looks'}</h2>
        {raw ? (
          <p>The file is no pattern that the gateway knows. It is sent byte by byte as it is.</p>
        ) : (
          <>
            <CandidateChoice {...{ patternId, candidates, hints }} chosen={index} onChoose={setIndex} />
            <ReadingHints
              hints={hints}
              needed={candidate?.width === null}
              onHints={given => void readAgain(given)}
            />
          </>
        )}
      </section>
      <section>
        <h2>Where to?</h2>
        {all.length === 0 && <p class="quiet">No board has been here yet.</p>}
        <BoardChoice boards={all} candidate={candidate} fits={fits} chosen={targets} onChange={setChosen} />
        <label class="check">
          <input
            type="checkbox"
            checked={scalePower}
            onChange={event => setScalePower(event.currentTarget.checked)}
          />
          Dim it to fit where it would draw more current than the board may
        </label>
      </section>
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      <div class="row">
        <button
          type="button"
          class="button primary big"
          disabled={busy || targets.size === 0 || !mayOperate.value}
          onClick={() => void send()}
        >
          Send to {plural(targets.size, 'board')}
        </button>
        {!mayOperate.value && <span class="quiet">Your role may look, not send.</span>}
      </div>
      <section ref={progress} class="stack" aria-live="polite">
        {sent.map(job => (
          <JobCard key={job.id} job={jobs.value.find(({ id }) => id === job.id) ?? job} />
        ))}
      </section>
    </div>
  )
}
