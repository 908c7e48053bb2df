import { useState } from 'preact/hooks'
import { Entrance } from '../components/entrance.tsx'
import { Notice } from '../components/notice.tsx'
import { TextField } from '../components/text-field.tsx'
import { asTrouble } from '../model/problem.ts'
import { begin, claim } from '../state/session.ts'

/** The first person takes the gateway; the code shows that they stand at its console. */
export function ClaimPage() {
  const [code, setCode] = useState('')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [trouble, setTrouble] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async () => {
    setBusy(true)
    setTrouble(null)
    try {
      await claim(code.trim(), name.trim(), password)
    } catch (thrown) {
      const { status, message } = asTrouble(thrown)
      setTrouble(message)
      // Somebody else was faster: there is an account to sign in with now.
      if (status === 409) await begin()
    }
    setBusy(false)
  }
  return (
    <Entrance title="This gateway is new">
      <p class="quiet">
        Make the first account; it is the admin. The code is shown on the machine of the gateway by{' '}
        <code>pixelgate setup</code>.
      </p>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault()
          void submit()
        }}
      >
        {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
        <TextField
          label="Claim code"
          value={code}
          onInput={setCode}
          required
          maxLength={64}
          autoComplete="one-time-code"
        />
        <TextField
          label="Your name"
          value={name}
          onInput={setName}
          required
          maxLength={32}
          autoComplete="username"
          hint="Letters, digits, dots, hyphens; others see it in the chat."
        />
        <TextField
          label="Password"
          type="password"
          value={password}
          onInput={setPassword}
          required
          minLength={10}
          maxLength={256}
          autoComplete="new-password"
          hint="At least 10 characters."
        />
        <button type="submit" class="button primary big" disabled={busy}>
          {busy ? 'One moment …' : 'Claim this gateway'}
        </button>
      </form>
    </Entrance>
  )
}
