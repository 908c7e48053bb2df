import { useState } from 'preact/hooks'
import type { BoardView } from '../../wire/board.ts'
import { nowMs } from '../live.ts'
import { boardShape, stateWord } from '../model/boards.ts'
import { formatAgo } from '../model/format.ts'
import { activeJob } from '../model/jobs.ts'
import { jobs } from '../state/jobs.ts'
import { isGuest, mayOperate } from '../state/session.ts'
import { Badge } from './badge.tsx'
import { BoardName } from './board-name.tsx'
import { BoardScreen } from './board-screen.tsx'
import { BoardSettings } from './board-settings.tsx'
import { BoardTransport } from './board-transport.tsx'
import { BrightnessSlider } from './brightness-slider.tsx'
import { IconButton } from './icon-button.tsx'
import { TileJob } from './tile-job.tsx'

/** One board: what it shows, what it is called, and what one can do to it. */
export function BoardTile({ board }: { readonly board: BoardView }) {
  const [held, setHeld] = useState<number | null>(null)
  const [settings, setSettings] = useState(false)
  const job = activeJob(jobs.value, board.id)
  const disabled = !mayOperate.value || board.state !== 'connected' || board.status === null
  const brightness = held ?? board.status?.brightness ?? 255
  return (
    <article class={`tile ${board.state}`} aria-label={board.name}>
      <div class="tile-screen">
        <BoardScreen board={board} brightness={brightness} />
        {job !== undefined && <TileJob job={job} />}
      </div>
      <div class="tile-head">
        <BoardName board={board} />
        {!isGuest.value && (
          <IconButton icon="settings" label={`Settings of ${board.name}`} onClick={() => setSettings(true)} />
        )}
      </div>
      <p class="tile-facts">
        <Badge {...presence(board)} />
        <span class="quiet">{boardShape(board)}</span>
        <span class="quiet">{board.trust}</span>
      </p>
      <p class="tile-pattern">{playingWords(board)}</p>
      {board.state === 'quarantined' ? (
        <p class="tile-trouble">Two boards claim this identity. Unplug one of them.</p>
      ) : board.trust === 'refused' ? (
        <p class="tile-trouble">
          Something claims to be this board and cannot prove it. Look at what is plugged in there.
        </p>
      ) : isGuest.value ? null : (
        <div class="tile-controls">
          <BoardTransport board={board} disabled={disabled} />
          <BrightnessSlider board={board} disabled={disabled} onLevel={setHeld} />
        </div>
      )}
      {settings && <BoardSettings board={board} onClose={() => setSettings(false)} />}
    </article>
  )
}

const presence = ({ state }: BoardView) =>
  ({
    tone: state === 'connected' ? 'ok' : state === 'quarantined' ? 'bad' : 'quiet',
    text: stateWord[state],
  }) as const

function playingWords({ state, status, lastSeenAt }: BoardView): string {
  if (state !== 'connected') return `Last seen ${formatAgo(lastSeenAt, nowMs.value)}`
  if (status === null) return 'Asking the board …'
  if (status.imageId === null) return 'No pattern yet'
  const name = status.patternName ?? 'A pattern from elsewhere'
  if (status.mode === 'stopped') return `${name} (stopped)`
  return status.mode === 'trial' ? `${name} (trial)` : name
}
