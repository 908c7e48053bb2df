import { useEffect, useRef, useState } from 'preact/hooks'
import type { BoardView } from '../../wire/board.ts'
import { command } from '../state/boards.ts'
import { attempt } from '../state/toasts.ts'
import { Icon } from './icon.tsx'

/** A board gets at most this many changes a second while the thumb moves; the last one always arrives. */
const sendEveryMs = 120
/** After the thumb rests, the board's own word counts again. */
const settleMs = 1500

interface Props {
  readonly board: BoardView
  readonly disabled: boolean
  /** The level that the thumb shows, for the preview. */
  readonly onLevel: (level: number | null) => void
}

export function BrightnessSlider({ board, disabled, onLevel }: Props) {
  const [held, setHeld] = useState<number | null>(null)
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const settling = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const next = useRef<number | null>(null)
  useEffect(
    () => () => {
      clearTimeout(waiting.current)
      clearTimeout(settling.current)
    },
    [],
  )
  const flush = () => {
    waiting.current = undefined
    const level = next.current
    next.current = null
    if (level === null) return
    waiting.current = setTimeout(flush, sendEveryMs)
    void attempt(() => command(board.id, { type: 'BRIGHTNESS', level }))
  }
  const move = (level: number) => {
    setHeld(level)
    onLevel(level)
    next.current = level
    if (waiting.current === undefined) flush()
    clearTimeout(settling.current)
    settling.current = setTimeout(() => {
      setHeld(null)
      onLevel(null)
    }, settleMs)
  }
  const level = held ?? board.status?.brightness ?? 0
  const percent = Math.round((level / 255) * 100)
  return (
    <div class="brightness">
      <Icon name="sun" />
      <input
        type="range"
        min={0}
        max={255}
        value={level}
        disabled={disabled}
        aria-label={`Brightness of ${board.name}`}
        aria-valuetext={`${percent} %`}
        style={{ '--fill': `${percent}%` }}
        onInput={event => move(Number(event.currentTarget.value))}
      />
      <span class="number">{percent} %</span>
    </div>
  )
}
