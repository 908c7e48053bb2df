import { useEffect, useState } from 'preact/hooks'
import type { PatternView } from '../../wire/pattern.ts'
import { nowMs } from '../live.ts'
import { formatAgo, formatBytes } from '../model/format.ts'
import { formatName } from '../model/format-names.ts'
import { asTrouble } from '../model/problem.ts'
import { routeHash } from '../model/route.ts'
import { patternPreview } from '../state/previews.ts'
import { loadPatterns } from '../state/upload.ts'
import { LedCanvas } from './led-canvas.tsx'
import { Notice } from './notice.tsx'
import { usePreview } from './use-preview.ts'

/** Patterns that the gateway keeps, newest first; each may be sent again. */
export function PatternLibrary() {
  const [patterns, setPatterns] = useState<readonly PatternView[]>([])
  const [total, setTotal] = useState<number | null>(null)
  const [trouble, setTrouble] = useState<string | null>(null)
  const more = async () => {
    try {
      const page = await loadPatterns(patterns.at(-1)?.id)
      setPatterns([...patterns, ...page.patterns])
      setTotal(page.total)
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
  }
  // The first page, once.
  useEffect(() => {
    void more()
  }, [])
  if (total === 0) return null
  return (
    <section class="library">
      <h2>Stored patterns</h2>
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      <div class="patterns">
        {patterns.map(pattern => (
          <PatternCard key={pattern.id} pattern={pattern} />
        ))}
      </div>
      {total !== null && total > patterns.length && (
        <button type="button" class="button" onClick={() => void more()}>
          Show older ones
        </button>
      )}
    </section>
  )
}

function PatternCard({ pattern }: { readonly pattern: PatternView }) {
  const { id, name, format, sizeBytes, createdAt, leds, ambiguous } = pattern
  // Where nobody has said how to read it, the best guess is shown.
  const reading = leds === null || ambiguous ? { candidate: 0 } : {}
  const { preview, trouble } = usePreview(id, () => patternPreview(id, reading))
  return (
    <a class="pattern" href={routeHash({ page: 'upload', patternId: id })}>
      <div class="screen">
        <LedCanvas preview={preview} shape={{ width: 16, height: 16 }} label={`${name}, as it would look`} />
        {trouble !== null && <p class="screen-words">No picture</p>}
      </div>
      <strong class="clip">{name}</strong>
      <span class="small quiet">
        {formatName(format)} · {formatBytes(sizeBytes)} · {formatAgo(createdAt, nowMs.value)}
      </span>
    </a>
  )
}
