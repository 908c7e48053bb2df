import { useState } from 'preact/hooks'
import { Entrance } from '../components/entrance.tsx'
import { Notice } from '../components/notice.tsx'
import { TextField } from '../components/text-field.tsx'
import { useWait } from '../components/use-wait.ts'
import { asTrouble } from '../model/problem.ts'
import { signIn } from '../state/session.ts'

export function SignInPage({ notice }: { readonly notice: string | null }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  /** null: this account has not been said to have a second factor. */
  const [code, setCode] = useState<string | null>(null)
  const [trouble, setTrouble] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const { words, wait } = useWait()
  const submit = async () => {
    setBusy(true)
    setTrouble(null)
    try {
      await signIn(name.trim(), password, code ?? undefined)
    } catch (thrown) {
      const refused = asTrouble(thrown)
      if (refused.code === 'second_factor_required') setCode('')
      else setTrouble(refused.message)
      wait(refused.retryAfterMs)
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
        {code !== null && (
          <TextField
            label="Code"
            hint="Six digits of your app, or a backup code"
            value={code}
            onInput={setCode}
            required
            minLength={6}
            maxLength={32}
            autoComplete="one-time-code"
          />
        )}
        <button type="submit" class="button primary big" disabled={busy || words !== null}>
          {words ?? (busy ? 'One moment …' : 'Sign in')}
        </button>
      </form>
      <p class="quiet small">No account? An admin invites you under Settings.</p>
    </Entrance>
  )
}
