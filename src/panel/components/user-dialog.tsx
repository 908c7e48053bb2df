import { useState } from 'preact/hooks'
import type { UserView } from '../../wire/auth.ts'
import { call } from '../api.ts'
import { say } from '../state/toasts.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { FormDialog } from './form-dialog.tsx'
import { RoleField } from './role-field.tsx'

interface Props {
  readonly user: UserView
  readonly onChanged: () => Promise<void>
  readonly onClose: () => void
}

interface Asked {
  readonly title: string
  readonly words: string
  readonly deed: string
  readonly path: string
}

/** What an admin may do to the account of somebody else. */
export function UserDialog({ user, onChanged, onClose }: Props) {
  const [role, setRole] = useState(user.role)
  const [disabled, setDisabled] = useState(user.disabled)
  const [asked, setAsked] = useState<Asked | null>(null)
  const path = `/users/${encodeURIComponent(user.name)}`
  const save = async () => {
    await call('PATCH', path, { role, disabled })
    say(`${user.name} is changed.`)
    await onChanged()
    onClose()
  }
  if (asked !== null)
    return (
      <ConfirmDialog
        title={asked.title}
        words={asked.words}
        deed={asked.deed}
        act={async () => {
          await call('DELETE', asked.path)
          await onChanged()
        }}
        onClose={onClose}
      />
    )
  return (
    <FormDialog
      title={user.name}
      deed="Save"
      act={save}
      onClose={onClose}
      disabled={role === user.role && disabled === user.disabled}
    >
      <RoleField role={role} onChange={setRole} />
      <label class="check">
        <input
          type="checkbox"
          checked={disabled}
          onChange={event => setDisabled(event.currentTarget.checked)}
        />
        <span>
          Switched off
          <br />
          <small class="quiet">The account stays, is signed out everywhere and cannot sign in.</small>
        </span>
      </label>
      <div class="row">
        {user.secondFactor && (
          <button
            type="button"
            class="button small"
            onClick={() =>
              setAsked({
                title: `Take the second factor of ${user.name} away?`,
                words: 'For who has lost the app and the backup codes. The password alone signs in again.',
                deed: 'Take it away',
                path: `${path}/totp`,
              })
            }
          >
            Reset the second factor
          </button>
        )}
        <button
          type="button"
          class="button small danger"
          onClick={() =>
            setAsked({
              title: `Remove ${user.name}?`,
              words:
                'The person is signed out everywhere and cannot sign in any more. What they wrote stays.',
              deed: 'Remove',
              path,
            })
          }
        >
          Remove the account
        </button>
      </div>
    </FormDialog>
  )
}
