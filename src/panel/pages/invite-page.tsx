import { useEffect, useState } from 'preact/hooks'
import { post } from '../api.ts'
import { Entrance } from '../components/entrance.tsx'
import { Notice } from '../components/notice.tsx'
import { TextField } from '../components/text-field.tsx'
import { useWait } from '../components/use-wait.ts'
import { asTrouble, type Trouble } from '../model/problem.ts'
import { goInstead } from '../state/router.ts'
import { acceptInvite, me, signOut } from '../state/session.ts'
import { tryTo } from '../state/toasts.ts'

interface Invited {
  readonly role: 'viewer' | 'operator' | 'admin'
  readonly invitedBy: string
}

const mayWords = {
  viewer: 'You will be able to see the boards and what they play.',
  operator: 'You will be able to play and upload patterns on the boards.',
  admin: 'You will be able to do everything here, also to manage people.',
} as const

const leave = () => goInstead({ page: 'boards' })

/** Where the link of an invitation leads: one account, made by the one who will use it. */
export function InvitePage({ code }: { readonly code: string }) {
  const [invited, setInvited] = useState<Invited | null>(null)
  const [refused, setRefused] = useState<Trouble | null>(null)
  const look = async () => {
    setRefused(null)
    try {
      setInvited(await post<Invited>('/invites/look', { code }))
    } catch (thrown) {
      setRefused(asTrouble(thrown))
    }
  }
  useEffect(() => void look(), [code])
  if (me.value !== null)
    return (
      <Entrance title="You have an account already">
        <p>
          You are signed in as <strong>{me.value.name}</strong>. An invitation is for somebody who has no
          account yet.
        </p>
        <button type="button" class="button primary big" onClick={leave}>
          Go to the boards
        </button>
        <button type="button" class="button" onClick={tryTo(signOut)}>
          Sign out and accept it
        </button>
      </Entrance>
    )
  if (refused !== null) return <Refused trouble={refused} again={() => void look()} />
  return (
    <Entrance title="You are invited">
      {invited === null ? (
        <p class="quiet">Looking at the invitation …</p>
      ) : (
        <Accept code={code} invited={invited} />
      )}
    </Entrance>
  )
}

function Refused({ trouble, again }: { readonly trouble: Trouble; readonly again: () => void }) {
  const { words, wait } = useWait()
  useEffect(() => wait(trouble.retryAfterMs), [trouble])
  const isOver = trouble.status === 404 || trouble.status === 422
  return (
    <Entrance title={isOver ? 'This invitation is over' : 'That did not work'}>
      <Notice tone="bad">
        {isOver
          ? 'The link was used already, has run out, was taken back, or is not complete. Ask for a new one.'
          : trouble.message}
      </Notice>
      {!isOver && (
        <button type="button" class="button primary big" disabled={words !== null} onClick={again}>
          {words ?? 'Try again'}
        </button>
      )}
      <button type="button" class="button" onClick={leave}>
        I have an account
      </button>
    </Entrance>
  )
}

function Accept({ code, invited }: { readonly code: string; readonly invited: Invited }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [trouble, setTrouble] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const { words, wait } = useWait()
  const submit = async () => {
    setBusy(true)
    setTrouble(null)
    try {
      await acceptInvite(code, name.trim(), password)
    } catch (thrown) {
      const refused = asTrouble(thrown)
      setTrouble(refused.message)
      wait(refused.retryAfterMs)
      setBusy(false)
    }
  }
  return (
    <>
      <p>
        <strong>{invited.invitedBy}</strong> invites you as <strong>{invited.role}</strong>.{' '}
        {mayWords[invited.role]}
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
          hint="At least 10 characters; several words that do not belong together are good."
        />
        <button type="submit" class="button primary big" disabled={busy || words !== null}>
          {words ?? (busy ? 'One moment …' : 'Make my account')}
        </button>
      </form>
    </>
  )
}
