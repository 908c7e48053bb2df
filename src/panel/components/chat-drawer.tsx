import { useEffect, useRef, useState } from 'preact/hooks'
import { narrow } from '../state/appearance.ts'
import { chatOpen, openChat, openRoom, room, rooms, unread } from '../state/chat.ts'
import { mayOperate } from '../state/session.ts'
import { ChatComposer } from './chat-composer.tsx'
import { ChatMessages } from './chat-messages.tsx'
import { ChatPresence } from './chat-presence.tsx'
import { Icon } from './icon.tsx'
import { IconButton } from './icon-button.tsx'
import { NewRoom } from './new-room.tsx'
import { RoomMembers } from './room-members.tsx'

/** The chat beside the page; on a phone in front of it. */
export function ChatDrawer() {
  const ref = useRef<HTMLDialogElement>(null)
  const [dialog, setDialog] = useState<'new' | 'members' | null>(null)
  const modal = narrow.value
  useEffect(() => {
    const drawer = ref.current
    if (drawer === null) return
    if (modal) drawer.showModal()
    else drawer.show()
    drawer.querySelector<HTMLElement>('textarea')?.focus()
    return () => drawer.close()
  }, [modal])
  const current = room.value
  return (
    <dialog
      ref={ref}
      class="drawer"
      aria-label="Chat"
      onCancel={() => openChat(false)}
      onKeyDown={event => {
        if (event.key === 'Escape' && dialog === null) openChat(false)
      }}
    >
      <div class="drawer-head">
        <h2>Chat</h2>
        {mayOperate.value && <IconButton icon="plus" label="New room" onClick={() => setDialog('new')} />}
        {current?.kind === 'group' && (
          <IconButton
            icon="people"
            label={`People in ${current.name}`}
            onClick={() => setDialog('members')}
          />
        )}
        <IconButton icon="close" label="Close the chat" onClick={() => openChat(false)} />
      </div>
      <nav class="rooms" aria-label="Rooms">
        {rooms.value.map(({ id, name }) => {
          const count = unread.value.get(id) ?? 0
          return (
            <button
              key={id}
              type="button"
              class="room"
              aria-current={id === current?.id ? 'true' : undefined}
              onClick={() => openRoom(id)}
            >
              <span class="clip">{name}</span>
              {count > 0 && <Count count={count} />}
            </button>
          )
        })}
      </nav>
      <ChatPresence />
      {current === null ? (
        <p class="drawer-empty quiet">
          <Icon name="chat" /> No room yet.
        </p>
      ) : (
        <>
          <ChatMessages key={current.id} roomId={current.id} />
          <ChatComposer key={`${current.id} composer`} room={current} />
        </>
      )}
      {dialog === 'new' && <NewRoom onClose={() => setDialog(null)} />}
      {dialog === 'members' && current !== null && (
        <RoomMembers room={current} onClose={() => setDialog(null)} />
      )}
    </dialog>
  )
}

/** Unread messages; where a whole page of them is new, there may be more. */
export function Count({ count }: { readonly count: number }) {
  return (
    <span class="count">
      {count >= 50 ? '50+' : count}
      <span class="visually-hidden"> unread</span>
    </span>
  )
}

/** The drawer while it is open. */
export function Chat() {
  return chatOpen.value ? <ChatDrawer /> : null
}
