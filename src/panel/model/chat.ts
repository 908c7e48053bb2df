import type { MessageView, RoomView } from '../../wire/chat.ts'

/** One room's part of the drawer: messages oldest first. */
export interface Conversation {
  readonly messages: readonly MessageView[]
  /** Cursor of the page before; null: this is the beginning; undefined: nothing has been asked for yet. */
  readonly nextBefore: string | null | undefined
  /** What was written here and has not come back yet. */
  readonly pending: readonly PendingMessage[]
}

export interface PendingMessage {
  readonly clientId: string
  readonly text: string
  /** Why it was not taken; null: it is under way. */
  readonly trouble: string | null
}

export const emptyConversation: Conversation = { messages: [], nextBefore: undefined, pending: [] }

/** Most messages kept of one room; the ones before can be asked for again. */
export const maxMessages = 500
export const maxCharacters = 10_000

const oldestFirst = (a: MessageView, b: MessageView): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

function merged(known: readonly MessageView[], added: readonly MessageView[]): readonly MessageView[] {
  const byId = new Map([...known, ...added].map(message => [message.id, message]))
  return [...byId.values()].sort(oldestFirst)
}

/** A message from the gateway; one's own ends its waiting. Beyond the cap the oldest go and the cursor follows. */
export function withMessage(conversation: Conversation, message: MessageView): Conversation {
  const all = merged(conversation.messages, [message])
  const messages = all.slice(-maxMessages)
  return {
    messages,
    nextBefore: all.length > maxMessages ? messages[0]?.id : conversation.nextBefore,
    pending: conversation.pending.filter(({ clientId }) => clientId !== message.clientId),
  }
}

/** A page of the past, newest first as it comes. */
export const withPage = (
  conversation: Conversation,
  page: { readonly messages: readonly MessageView[]; readonly nextBefore: string | null },
): Conversation => ({
  ...conversation,
  messages: merged(conversation.messages, page.messages),
  nextBefore: page.nextBefore,
})

/** The newest page after a gap: where it does not reach what we have, the part between is asked for on scrolling. */
export function withNewest(
  conversation: Conversation,
  page: { readonly messages: readonly MessageView[]; readonly nextBefore: string | null },
): Conversation {
  const known = new Set(conversation.messages.map(({ id }) => id))
  const joins = page.nextBefore === null || page.messages.some(({ id }) => known.has(id))
  const arrived = new Set(page.messages.map(({ clientId }) => clientId))
  return {
    messages: joins ? merged(conversation.messages, page.messages) : merged([], page.messages),
    nextBefore: joins && conversation.nextBefore !== undefined ? conversation.nextBefore : page.nextBefore,
    pending: conversation.pending.filter(({ clientId }) => !arrived.has(clientId)),
  }
}

export const withPending = (conversation: Conversation, pending: PendingMessage): Conversation => ({
  ...conversation,
  pending: [...conversation.pending.filter(({ clientId }) => clientId !== pending.clientId), pending],
})

export const withoutPending = (conversation: Conversation, clientId: string): Conversation => ({
  ...conversation,
  pending: conversation.pending.filter(pending => pending.clientId !== clientId),
})

/** The common room first, then by name. */
export const sortRooms = (rooms: readonly RoomView[]): readonly RoomView[] =>
  rooms.toSorted((a, b) =>
    a.kind === b.kind ? a.name.localeCompare(b.name, 'en') : a.kind === 'common' ? -1 : 1,
  )

export const withRoom = (rooms: readonly RoomView[], room: RoomView): readonly RoomView[] =>
  sortRooms([...rooms.filter(({ id }) => id !== room.id), room])

/** Messages of others after the last one seen; ids are UUIDv7 and sort by their time. */
export const unreadOf = (messages: readonly MessageView[], lastSeenId: string, me: string): number =>
  messages.filter(({ id, author }) => id > lastSeenId && author !== me).length

/** Why a message may not be sent, in the words of the gateway; null: it may. */
export function messageFault(text: string): string | null {
  if (text.trim() === '') return 'Message cannot be empty'
  return [...text].length > maxCharacters ? `Message too long (max ${maxCharacters} characters)` : null
}
