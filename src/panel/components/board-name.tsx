import { useEffect, useRef, useState } from 'preact/hooks'
import type { BoardView } from '../../wire/board.ts'
import { changeBoard } from '../state/boards.ts'
import { mayOperate } from '../state/session.ts'
import { attempt } from '../state/toasts.ts'
import { Icon } from './icon.tsx'

/** The name of a board; a click turns it into a field. Enter keeps what was typed, Escape does not. */
export function BoardName({ board }: { readonly board: BoardView }) {
  const [draft, setDraft] = useState<string | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const editing = draft !== null
  useEffect(() => {
    if (editing) field.current?.select()
  }, [editing])
  if (!mayOperate.value) return <h2 class="tile-name">{board.name}</h2>
  const keep = async () => {
    const name = draft?.trim() ?? ''
    setDraft(null)
    if (name !== '' && name !== board.name) await attempt(() => changeBoard(board.id, { name }))
  }
  if (draft === null)
    return (
      <h2 class="tile-name">
        <button type="button" title="Rename" onClick={() => setDraft(board.name)}>
          <span>{board.name}</span>
          <Icon name="pencil" />
        </button>
      </h2>
    )
  return (
    <input
      ref={field}
      class="input tile-rename"
      value={draft}
      maxLength={32}
      aria-label={`New name of ${board.name}`}
      onInput={event => setDraft(event.currentTarget.value)}
      onBlur={() => void keep()}
      onKeyDown={event => {
        if (event.key === 'Enter') void keep()
        if (event.key === 'Escape') setDraft(null)
      }}
    />
  )
}
