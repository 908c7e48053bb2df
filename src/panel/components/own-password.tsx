import { useState } from 'preact/hooks'
import { post } from '../api.ts'
import { say } from '../state/toasts.ts'
import { FormDialog } from './form-dialog.tsx'
import { TextField } from './text-field.tsx'

export function OwnPassword() {
  const [changing, setChanging] = useState(false)
  return (
    <section class="card">
      <div class="row between">
        <h2>Password</h2>
        <button type="button" class="button small" onClick={() => setChanging(true)}>
          Change it
        </button>
      </div>
      <p class="quiet">Changing it signs you out everywhere else.</p>
      {changing && <ChangePassword onClose={() => setChanging(false)} />}
    </section>
  )
}

function ChangePassword({ onClose }: { readonly onClose: () => void }) {
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const change = async () => {
    await post('/auth/password', { current, password })
    say('Your password is changed.')
    onClose()
  }
  return (
    <FormDialog title="Change your password" deed="Change it" act={change} onClose={onClose}>
      <TextField
        label="Your password until now"
        type="password"
        value={current}
        onInput={setCurrent}
        required
        maxLength={256}
        autoComplete="current-password"
      />
      <TextField
        label="New password"
        type="password"
        value={password}
        onInput={setPassword}
        required
        minLength={10}
        maxLength={256}
        autoComplete="new-password"
        hint="At least 10 characters; several words that do not belong together are good."
      />
    </FormDialog>
  )
}
