import { useState } from 'preact/hooks'
import { copyText } from '../state/copy-text.ts'
import { me } from '../state/session.ts'
import { say } from '../state/toasts.ts'
import { Dialog } from './dialog.tsx'

/** The one time that the codes are told. They are gone for good with the dialog, so it asks whether they are kept. */
export function BackupCodes({
  codes,
  onClose,
}: {
  readonly codes: readonly string[]
  readonly onClose: () => void
}) {
  const [kept, setKept] = useState(false)
  const text = `Backup codes of ${me.value?.name ?? ''} at ${location.host}\nEach is good for one sign-in.\n\n${codes.join('\n')}\n`
  const copy = async () => {
    if (await copyText(text)) say('Copied the backup codes.')
    else say('The browser does not let the panel copy. Select the codes and copy them yourself.', 'bad')
  }
  return (
    <Dialog title="Keep these backup codes" onClose={onClose}>
      <p>
        For a day without your app: each is good for one sign-in. They are shown this once; keep them on paper
        or in a password manager.
      </p>
      <ol class="codes" aria-label="Backup codes">
        {codes.map(code => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div class="row">
        <button type="button" class="button small" onClick={() => void copy()}>
          Copy them
        </button>
        <a
          class="button small"
          download="pixelgate-backup-codes.txt"
          href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`}
        >
          Download as text
        </a>
      </div>
      <label class="check">
        <input type="checkbox" checked={kept} onChange={event => setKept(event.currentTarget.checked)} />
        <span>I have kept them</span>
      </label>
      <div class="row end">
        <button type="button" class="button primary" disabled={!kept} onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  )
}
