import { useState } from 'preact/hooks'
import type { UserView } from '../../wire/auth.ts'
import { call, post } from '../api.ts'
import { nowMs } from '../live.ts'
import { formatAgo } from '../model/format.ts'
import { asTrouble } from '../model/problem.ts'
import { me } from '../state/session.ts'
import { say } from '../state/toasts.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { Dialog } from './dialog.tsx'
import { Notice } from './notice.tsx'
import { SelectField } from './select-field.tsx'
import { TextField } from './text-field.tsx'
import { useList } from './use-list.ts'

type Role = UserView['role']

/** People who may sign in. */
export function Users() {
  const { items, trouble, reload } = useList<UserView>('/users', 'users')
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<string | null>(null)
  return (
    <section class="card">
      <div class="row between">
        <h2>People</h2>
        <button type="button" class="button small" onClick={() => setAdding(true)}>
          Add a person
        </button>
      </div>
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      <ul class="list">
        {items?.map(({ id, name, role, createdAt }) => (
          <li key={id}>
            <span class="list-words">
              <strong>{name}</strong>
              <span class="quiet small">
                {role}, added {formatAgo(createdAt, nowMs.value)}
              </span>
            </span>
            {name !== me.value?.name && (
              <button
                type="button"
                class="button small"
                aria-label={`Remove ${name}`}
                onClick={() => setRemoving(name)}
              >
                Remove
              </button>
            )}
          </li>
        ))}
      </ul>
      {adding && <AddUser onAdded={reload} onClose={() => setAdding(false)} />}
      {removing !== null && (
        <ConfirmDialog
          title={`Remove ${removing}?`}
          words="The person is signed out everywhere and cannot sign in any more. What they wrote stays."
          deed="Remove"
          act={async () => {
            await call('DELETE', `/users/${encodeURIComponent(removing)}`)
            await reload()
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </section>
  )
}

function AddUser({
  onAdded,
  onClose,
}: {
  readonly onAdded: () => Promise<void>
  readonly onClose: () => void
}) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<Role>('operator')
  const [trouble, setTrouble] = useState<string | null>(null)
  const add = async () => {
    try {
      await post('/users', { name: name.trim(), password, role })
      say(`${name} may sign in.`)
      await onAdded()
      onClose()
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
  }
  return (
    <Dialog title="Add a person" onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault()
          void add()
        }}
      >
        {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
        <TextField label="Name" value={name} onInput={setName} required maxLength={32} autoComplete="off" />
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
        <SelectField<Role>
          label="Role"
          value={role}
          options={[
            ['viewer', 'viewer: looks'],
            ['operator', 'operator: also plays, uploads, chats in rooms'],
            ['admin', 'admin: also manages people and keys'],
          ]}
          onChange={setRole}
        />
        <div class="row end">
          <button type="submit" class="button primary">
            Add
          </button>
        </div>
      </form>
    </Dialog>
  )
}
