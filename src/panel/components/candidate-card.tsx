import type { CandidateView } from '../../wire/pattern.ts'
import { formatDuration, plural } from '../model/format.ts'
import { formatName } from '../model/format-names.ts'
import { patternPreview, type Reading } from '../state/previews.ts'
import { LedCanvas } from './led-canvas.tsx'
import { usePreview } from './use-preview.ts'

interface Props {
  readonly patternId: string
  readonly candidate: CandidateView
  readonly hints: Omit<Reading, 'candidate'>
  readonly best: boolean
  readonly chosen: boolean
  readonly onChoose: () => void
}

/** One way to read the file, moving; one sees at a glance which is right. */
export function CandidateCard({ patternId, candidate, hints, best, chosen, onChoose }: Props) {
  const { index, format, leds, frames, durationMs, confidence, reason } = candidate
  const reading: Reading = { ...hints, candidate: index }
  const { preview, trouble } = usePreview(`${patternId} ${JSON.stringify(reading)}`, () =>
    patternPreview(patternId, reading),
  )
  const shape = { width: candidate.width ?? leds, height: candidate.height ?? 1 }
  const size = candidateShape(candidate)
  return (
    <label class={`candidate ${chosen ? 'chosen' : ''}`}>
      <div class="screen">
        <LedCanvas
          preview={preview}
          shape={shape}
          label={`${formatName(format)}, ${size}, as it would look`}
        />
        {trouble !== null && <p class="screen-words">{trouble}</p>}
      </div>
      <span class="candidate-head">
        <input type="radio" name="candidate" checked={chosen} onChange={onChoose} />
        <strong>{formatName(format)}</strong>
        {best && <span class="tag">best guess</span>}
      </span>
      <span class="small">
        {size} · {plural(frames, 'frame')}
        {durationMs !== null && ` · ${formatDuration(durationMs)}`}
      </span>
      <span class="small quiet">{reason}</span>
      <span class="confidence" title="How sure the gateway is">
        <i style={{ width: `${Math.round(confidence * 100)}%` }} />
        <span class="small number">{Math.round(confidence * 100)} % sure</span>
      </span>
    </label>
  )
}

export const candidateShape = ({ width, height, leds }: CandidateView): string =>
  width !== null && height !== null && height > 1 ? `${width} × ${height}` : `${leds} LEDs`
