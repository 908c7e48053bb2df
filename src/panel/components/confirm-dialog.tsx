import { useState } from 'preact/hooks'
import { attempt } from '../state/toasts.ts'
import { Dialog } from './dialog.tsx'

interface Props {
  readonly title: string
  readonly words: string
  /** What the button says: the deed, not "OK". */
  readonly deed: string
  readonly act: () => Promise<unknown>
  readonly onClose: () => void
}

/** Asks before what cannot be taken back. */
export function ConfirmDialog({ title, words, deed, act, onClose }: Props) {
  const [busy, setBusy] = useState(false)
  const go = async () => {
    setBusy(true)
    await attempt(act)
    onClose()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{words}</p>
      <div class="row end">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="button danger" disabled={busy} onClick={() => void go()}>
          {deed}
        </button>
      </div>
    </Dialog>
  )
}
