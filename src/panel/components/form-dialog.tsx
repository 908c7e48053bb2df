import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { asTrouble } from '../model/problem.ts'
import { Dialog } from './dialog.tsx'
import { Notice } from './notice.tsx'

interface Props {
  readonly title: string
  /** What the button says: the deed, not "OK". */
  readonly deed: string
  readonly act: () => Promise<unknown>
  readonly onClose: () => void
  readonly disabled?: boolean
  readonly children: ComponentChildren
}

/** Fields and one deed. What goes wrong is said above the fields, which keep what was typed. */
export function FormDialog({ title, deed, act, onClose, disabled = false, children }: Props) {
  const [trouble, setTrouble] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async () => {
    setBusy(true)
    setTrouble(null)
    try {
      await act()
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
    setBusy(false)
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault()
          void submit()
        }}
      >
        {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
        {children}
        <div class="row end">
          <button type="submit" class="button primary" disabled={busy || disabled}>
            {busy ? 'One moment …' : deed}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
