import { useState } from 'preact/hooks'
import type { UserView } from '../../wire/auth.ts'
import { post } from '../api.ts'
import { nowMs } from '../live.ts'
import { formatAgo } from '../model/format.ts'
import { me } from '../state/session.ts'
import { say } from '../state/toasts.ts'
import { FormDialog } from './form-dialog.tsx'
import { Notice } from './notice.tsx'
import { type Role, RoleField } from './role-field.tsx'
import { TextField } from './text-field.tsx'
import { useList } from './use-list.ts'
import { UserDialog } from './user-dialog.tsx'

/** People who may sign in. */
export function Users() {
  const { items, trouble, reload } = useList<UserView>('/users', 'users')
  const [adding, setAdding] = useState(false)
  const [changing, setChanging] = useState<string | null>(null)
  const changed = items?.find(({ name }) => name === changing)
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
        {items?.map(user => (
          <li key={user.id}>
            <span class="list-words">
              <strong>{user.name}</strong>
              <span class="quiet small">
                {user.role}, added {formatAgo(user.createdAt, nowMs.value)}
                {user.secondFactor && ', second factor'}
              </span>
            </span>
            {user.disabled && <span class="tag off">switched off</span>}
            {user.name === me.value?.name ? (
              <span class="tag">you</span>
            ) : (
              <button
                type="button"
                class="button small"
                aria-label={`Change ${user.name}`}
                onClick={() => setChanging(user.name)}
              >
                Change
              </button>
            )}
          </li>
        ))}
      </ul>
      {adding && <AddUser onAdded={reload} onClose={() => setAdding(false)} />}
      {changed !== undefined && (
        <UserDialog user={changed} onChanged={reload} onClose={() => setChanging(null)} />
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
  const add = async () => {
    await post('/users', { name: name.trim(), password, role })
    say(`${name.trim()} may sign in.`)
    await onAdded()
    onClose()
  }
  return (
    <FormDialog title="Add a person" deed="Add" act={add} onClose={onClose}>
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
        hint="At least 10 characters. With an invitation nobody has to tell a password."
      />
      <RoleField role={role} onChange={setRole} />
    </FormDialog>
  )
}
