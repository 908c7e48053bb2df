import type { BoardView } from '../../wire/board.ts'
import { boardPreview } from '../state/previews.ts'
import { LedCanvas } from './led-canvas.tsx'
import { usePreview } from './use-preview.ts'

interface Props {
  readonly board: BoardView
  /** 0 to 255. */
  readonly brightness: number
}

/** The board as it looks now. */
export function BoardScreen({ board, brightness }: Props) {
  const { status } = board
  const imageId = status?.imageId ?? null
  // The gateway draws it as the board's own canvas, so another shape is another picture.
  const key =
    imageId &&
    `${board.id} ${imageId} ${board.width}×${board.height} ${board.wiring} ${JSON.stringify(board.layout)}`
  const { preview, trouble } = usePreview(key, () => boardPreview(board.id, key ?? ''))
  const away = board.state !== 'connected'
  const stopped = status === null || status.mode === 'stopped'
  return (
    <div class={`screen ${status?.mode === 'identify' ? 'identifying' : ''}`}>
      <LedCanvas
        preview={stopped && !away ? null : preview}
        shape={shapeOf(board)}
        playing={!away && !stopped}
        level={away ? 0.35 : visible(brightness)}
        label={inWords(board)}
      />
      {!away && imageId === null && status !== null && <p class="screen-words">No pattern yet</p>}
      {!away && trouble !== null && <p class="screen-words">No picture of this pattern</p>}
    </div>
  )
}

const shapeOf = ({ width, height, leds }: BoardView) =>
  width > 0 && height > 0 ? { width, height } : { width: Math.max(1, leds), height: 1 }

/** Eyes take a tenth of the light for a third; a screen that showed it as a tenth would look black. */
const visible = (brightness: number): number =>
  brightness === 0 ? 0 : 0.15 + 0.85 * (brightness / 255) ** 0.45

function inWords({ name, state, status }: BoardView): string {
  if (state !== 'connected') return `${name} is away`
  const pattern = status?.patternName ?? 'a pattern'
  if (status === null || status.imageId === null) return `${name} plays nothing`
  return status.mode === 'stopped' ? `${name} is stopped` : `${name} plays ${pattern}`
}
