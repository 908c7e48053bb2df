import { useEffect, useRef } from 'preact/hooks'
import type { Preview } from '../preview/decode.ts'
import { LedPlayer } from '../preview/led-player.ts'
import { moving } from '../state/appearance.ts'

interface Props {
  /** null: dark LEDs. */
  readonly preview: Preview | null
  readonly shape: { readonly width: number; readonly height: number }
  /** What a person would see, in words. */
  readonly label: string
  readonly playing?: boolean
  /** Light, 0 to 1. */
  readonly level?: number
}

/** A board that plays. */
export function LedCanvas({ preview, shape, label, playing = true, level = 1 }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const player = useRef<LedPlayer | null>(null)
  const moves = playing && moving.value
  const { width, height } = shape
  useEffect(() => {
    if (canvas.current === null) return
    const made = new LedPlayer(canvas.current)
    player.current = made
    return () => made.close()
  }, [])
  useEffect(() => {
    player.current?.show({ preview, shape: { width, height }, moving: moves, level })
  }, [preview, width, height, moves, level])
  return <canvas ref={canvas} class="led-canvas" role="img" aria-label={label} />
}
