import { useState } from 'preact/hooks'
import { asTrouble } from '../model/problem.ts'
import { makeRoom } from '../state/chat.ts'
import { Dialog } from './dialog.tsx'
import { Notice } from './notice.tsx'
import { TextField } from './text-field.tsx'

/** A room for its members alone. */
export function NewRoom({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const [members, setMembers] = useState('')
  const [trouble, setTrouble] = useState<string | null>(null)
  const make = async () => {
    try {
      await makeRoom(name.trim(), members.split(/[\s,]+/).filter(Boolean))
      onClose()
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
  }
  return (
    <Dialog title="New room" onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault()
          void make()
        }}
      >
        {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
        <TextField label="Name" value={name} onInput={setName} required maxLength={64} autoComplete="off" />
        <TextField
          label="Who else"
          value={members}
          onInput={setMembers}
          hint="Names of people, with commas between them. Only members see the room."
          autoComplete="off"
        />
        <div class="row end">
          <button type="submit" class="button primary">
            Make the room
          </button>
        </div>
      </form>
    </Dialog>
  )
}
