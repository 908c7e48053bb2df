import { useState } from 'preact/hooks'
import type { Reading } from '../state/previews.ts'
import { TextField } from './text-field.tsx'

export type Hints = Omit<Reading, 'candidate'>

interface Props {
  readonly hints: Hints
  /** The file does not say its size itself. */
  readonly needed: boolean
  readonly onHints: (hints: Hints) => void
}

const text = (value: number | null | undefined): string =>
  value === null || value === undefined ? '' : String(value)
const number = (value: string): number | null => (value.trim() === '' ? null : Number(value))

/** What a person knows of a file that says nothing of itself. */
export function ReadingHints({ hints, needed, onHints }: Props) {
  const [leds, setLeds] = useState(text(hints.leds))
  const [width, setWidth] = useState(text(hints.width))
  const [height, setHeight] = useState(text(hints.height))
  return (
    <details class="hints" open={needed}>
      <summary>
        {needed ? 'The file does not say how many LEDs it is for. Do you know?' : 'It looks wrong?'}
      </summary>
      <form
        class="hint-fields"
        onSubmit={event => {
          event.preventDefault()
          onHints({ leds: number(leds), width: number(width), height: number(height) })
        }}
      >
        <TextField label="Width" type="number" min={1} max={65_535} value={width} onInput={setWidth} />
        <TextField label="Height" type="number" min={1} max={65_535} value={height} onInput={setHeight} />
        <TextField label="LEDs" type="number" min={1} max={65_535} value={leds} onInput={setLeds} />
        <button type="submit" class="button">
          Read it again
        </button>
      </form>
    </details>
  )
}
