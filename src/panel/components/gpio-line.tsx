import type { GpioLineView } from '../../wire/gpio.ts'
import { nowMs } from '../live.ts'
import { formatAgo, plural } from '../model/format.ts'
import { boardName } from '../state/boards.ts'

interface Props {
  readonly line: GpioLineView
  /** null: the pins are real, or one may only look. */
  readonly onSimulate: ((action: 'press' | 'down' | 'up') => void) | null
}

const words = {
  button: ['released', 'pressed'],
  'status-led': ['dark', 'lit'],
  reset: ['released', 'held in reset'],
  input: ['inactive', 'active'],
  output: ['off', 'on'],
} as const

/** One line of a chip with its live level. */
export function GpioLine({ line, onSimulate }: Props) {
  const { name, role, chip, line: offset, active, action, boardId, changedAt, edges, trouble } = line
  const does = action === null ? '' : `${action} on ${boardId === null ? 'all boards' : boardName(boardId)}`
  const resets = role === 'reset' && boardId !== null ? `resets ${boardName(boardId)}` : ''
  return (
    <li class={`card line ${active ? 'active' : ''} ${trouble === null ? '' : 'broken'}`}>
      <i class="lamp" aria-hidden="true" />
      <div class="line-words">
        <strong>{name}</strong>
        <span class="quiet small">
          {[`${chip} line ${offset}`, does, resets].filter(Boolean).join(' · ')}
        </span>
        {trouble !== null && <span class="bad-words small">{trouble}</span>}
      </div>
      <div class="line-state">
        <strong>{words[role][active ? 1 : 0]}</strong>
        <span class="quiet small">
          {plural(edges, 'edge')}
          {changedAt !== null && `, ${formatAgo(changedAt, nowMs.value)}`}
        </span>
      </div>
      {role === 'button' && onSimulate !== null && (
        <div class="row">
          <button
            type="button"
            class="button small"
            aria-label={`Press ${name}`}
            onClick={() => onSimulate('press')}
          >
            Press
          </button>
          <button
            type="button"
            class="button small"
            aria-label={`${active ? 'Release' : 'Hold'} ${name}`}
            onClick={() => onSimulate(active ? 'up' : 'down')}
          >
            {active ? 'Release' : 'Hold'}
          </button>
        </div>
      )}
    </li>
  )
}
