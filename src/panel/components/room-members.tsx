import { useState } from 'preact/hooks'
import type { RoomView } from '../../wire/chat.ts'
import { addMember, deleteRoom, leaveRoom } from '../state/chat.ts'
import { mayOperate, me } from '../state/session.ts'
import { attempt } from '../state/toasts.ts'
import { Dialog } from './dialog.tsx'
import { TextField } from './text-field.tsx'

/** Who is in a room; bring somebody in, leave, or end it. */
export function RoomMembers({ room, onClose }: { readonly room: RoomView; readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const mine = room.createdBy === me.value?.name
  const add = async () => {
    await attempt(() => addMember(room.id, name.trim()))
    setName('')
  }
  const end = (act: () => Promise<void>) => async () => {
    await attempt(act)
    onClose()
  }
  return (
    <Dialog title={`People in ${room.name}`} onClose={onClose}>
      <ul class="members">
        {room.members.map(member => (
          <li key={member}>{member === room.createdBy ? `${member} (made the room)` : member}</li>
        ))}
      </ul>
      {mayOperate.value && (
        <form
          class="inline-form"
          onSubmit={event => {
            event.preventDefault()
            void add()
          }}
        >
          <TextField label="Bring in" value={name} onInput={setName} required autoComplete="off" />
          <button type="submit" class="button">
            Add
          </button>
        </form>
      )}
      <div class="row end">
        {mine ? (
          <button type="button" class="button danger" onClick={() => void end(() => deleteRoom(room.id))()}>
            Delete the room with its messages
          </button>
        ) : (
          <button type="button" class="button" onClick={() => void end(() => leaveRoom(room.id))()}>
            Leave the room
          </button>
        )}
      </div>
    </Dialog>
  )
}
