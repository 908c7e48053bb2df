import type { BoardView } from '../../wire/board.ts'
import { type BoardCommand, command } from '../state/boards.ts'
import { tryTo } from '../state/toasts.ts'
import { IconButton } from './icon-button.tsx'

const identifyMs = 5000

/** Previous, play or stop, next, and "which one are you?". */
export function BoardTransport({
  board,
  disabled,
}: {
  readonly board: BoardView
  readonly disabled: boolean
}) {
  const stopped = board.status?.mode === 'stopped'
  const order = (body: BoardCommand) => tryTo(() => command(board.id, body))
  return (
    <div class="transport">
      <IconButton
        icon="previous"
        label="Previous pattern"
        disabled={disabled}
        onClick={order({ type: 'PREVIOUS' })}
      />
      {stopped ? (
        <IconButton
          icon="play"
          label="Play"
          class="main"
          disabled={disabled}
          onClick={order({ type: 'PLAY' })}
        />
      ) : (
        <IconButton
          icon="stop"
          label="Stop"
          class="main"
          disabled={disabled}
          onClick={order({ type: 'STOP' })}
        />
      )}
      <IconButton icon="next" label="Next pattern" disabled={disabled} onClick={order({ type: 'NEXT' })} />
      <span class="grow" />
      <IconButton
        icon="identify"
        label="Identify: the board blinks for 5 seconds"
        disabled={disabled}
        pressed={board.status?.mode === 'identify'}
        onClick={order({ type: 'IDENTIFY', ms: identifyMs })}
      />
    </div>
  )
}
