import type { MessageRecord } from '../store/tables/messages.ts'
import type { RoomRecord } from '../store/tables/rooms.ts'
import type { MessageView, RoomView } from '../wire/chat.ts'

export const roomView = ({ id, name, kind, members, createdMs, createdBy }: RoomRecord): RoomView => ({
  id,
  name,
  kind,
  members: members.map(member => member.name),
  createdAt: new Date(createdMs).toISOString(),
  createdBy: createdBy?.name ?? null,
})

export const messageView = (message: MessageRecord): MessageView => ({
  id: message.id,
  roomId: message.roomId,
  author: message.author,
  kind: message.kind,
  text: message.text,
  clientId: message.clientId,
  createdAt: new Date(message.createdMs).toISOString(),
})
