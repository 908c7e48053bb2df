import { useState } from 'preact/hooks'
import { Entrance } from '../components/entrance.tsx'
import { Notice } from '../components/notice.tsx'
import { TextField } from '../components/text-field.tsx'
import { asTrouble } from '../model/problem.ts'
import { signIn } from '../state/session.ts'

export function SignInPage({ notice }: { readonly notice: string | null }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [trouble, setTrouble] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async () => {
    setBusy(true)
    setTrouble(null)
    try {
      await signIn(name.trim(), password)
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
    setBusy(false)
  }
  return (
    <Entrance title="Sign in">
      {notice !== null && trouble === null && <Notice tone="warn">{notice}</Notice>}
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault()
          void submit()
        }}
      >
        {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
        <TextField
          label="Name"
          value={name}
          onInput={setName}
          required
          maxLength={64}
          autoComplete="username"
        />
        <TextField
          label="Password"
          type="password"
          value={password}
          onInput={setPassword}
          required
          maxLength={256}
          autoComplete="current-password"
        />
        <button type="submit" class="button primary big" disabled={busy}>
          {busy ? 'One moment …' : 'Sign in'}
        </button>
      </form>
      <p class="quiet small">No account? An admin makes one under Settings.</p>
    </Entrance>
  )
}
