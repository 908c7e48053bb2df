import { z } from 'zod'
import type { Chat } from '../../chat/chat.ts'
import {
  maxMessageCharacters,
  messagePageView,
  messageView,
  newMember,
  newMessage,
  newRoom,
  presenceView,
  roomsView,
  roomView,
} from '../../wire/chat.ts'
import { empty, json, type Operation, operation, Reply } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

const messageQuery = paging.extend({ limit: z.coerce.number().int().min(1).max(100).default(50) })

/** The chat has the last word on the length of a text, and its own words for it. */
const anyMessage = newMessage.extend({
  text: z.string().describe(`At most ${maxMessageCharacters} characters`),
})

const tooLong = `Message too long (max ${maxMessageCharacters} characters)`
const oneRoom = z.object({ room: roomView })
const oneMessage = z.object({ message: messageView })

/**
 * Rooms, messages and presence. Everybody may write where they are; to make rooms and bring people in takes an operator.
 * A room that is not there and one that is somebody else's are both `not_found`.
 */
export const roomOperations = ({ chat }: { readonly chat: Chat }): readonly Operation[] => [
  operation({
    id: 'listRooms',
    method: 'get',
    path: '/rooms',
    tag: 'rooms',
    summary: 'The rooms that one is in, the common room first',
    access: 'viewer',
    query: paging,
    answers: { 200: json(roomsView, 'A page of the rooms') },
    cache: { tags: ['rooms', 'users'], per: 'person' },
    async run({ principal, query }) {
      const { items, ...rest } = pageOf(await chat.rooms.list(principal), query, ({ id }) => id)
      return { rooms: items, ...rest }
    },
  }),

  operation({
    id: 'makeRoom',
    method: 'post',
    path: '/rooms',
    tag: 'rooms',
    summary: 'Make a room for its members alone',
    access: 'operator',
    body: newRoom,
    answers: { 201: json(oneRoom, 'The room; whoever made it is in it') },
    errors: ['not_found', 'conflict'],
    async run(call) {
      const room = await chat.rooms.create(call.principal, call.body)
      call.changed({ resource: `rooms/${room.id}`, after: { name: room.name, members: room.members } })
      return { room }
    },
  }),

  operation({
    id: 'getRoom',
    method: 'get',
    path: '/rooms/:id',
    tag: 'rooms',
    summary: 'A room and who is in it',
    access: 'viewer',
    params: { id: 'Id of the room' },
    answers: { 200: json(oneRoom, 'The room') },
    cache: { tags: ['rooms', 'users'], per: 'person' },
    run: async ({ principal, params }) => ({ room: await chat.rooms.get(principal, params.id) }),
  }),

  operation({
    id: 'removeRoom',
    method: 'delete',
    path: '/rooms/:id',
    tag: 'rooms',
    summary: 'Delete a room with its messages',
    description: 'For who has made it, and for admins.',
    access: 'operator',
    params: { id: 'Id of the room' },
    answers: { 204: empty('It has gone') },
    errors: ['forbidden', 'conflict'],
    run: ({ principal, params }) => chat.rooms.remove(principal, params.id),
  }),

  operation({
    id: 'addRoomMember',
    method: 'post',
    path: '/rooms/:id/members',
    tag: 'rooms',
    summary: 'Bring somebody into a room',
    access: 'operator',
    params: { id: 'Id of the room' },
    body: newMember,
    answers: { 200: json(oneRoom, 'The room as it is now') },
    errors: ['conflict'],
    async run(call) {
      const room = await chat.rooms.addMember(call.principal, call.params.id, call.body.name)
      call.changed({ resource: `rooms/${room.id}`, after: { member: call.body.name } })
      return { room }
    },
  }),

  operation({
    id: 'removeRoomMember',
    method: 'delete',
    path: '/rooms/:id/members/:name',
    tag: 'rooms',
    summary: 'Leave a room, or remove another from it',
    access: 'viewer',
    params: { id: 'Id of the room', name: "Name of the member; one's own: leave" },
    answers: { 204: empty('Out of the room') },
    errors: ['forbidden', 'conflict'],
    run: ({ principal, params }) => chat.rooms.removeMember(principal, params.id, params.name),
  }),

  operation({
    id: 'listMessages',
    method: 'get',
    path: '/rooms/:id/messages',
    tag: 'rooms',
    summary: 'Messages of a room, newest first',
    access: 'viewer',
    params: { id: 'Id of the room' },
    query: messageQuery,
    answers: { 200: json(messagePageView, 'A page of the messages') },
    run({ principal, params, query }) {
      const { cursor, before = cursor, skip, limit } = query
      return chat.messages(principal, params.id, { before, skip, limit })
    },
  }),

  operation({
    id: 'postMessage',
    method: 'post',
    path: '/rooms/:id/messages',
    tag: 'rooms',
    summary: 'Write in a room',
    description:
      'A text that begins with / is a command; its answer stands in the room before this is answered, unless it takes more than a second.',
    access: 'viewer',
    params: { id: 'Id of the room' },
    body: anyMessage,
    tooLarge: tooLong,
    answers: {
      201: json(oneMessage, 'The message'),
      200: json(oneMessage, 'This author has used the clientId in this room before; the first message'),
    },
    errors: ['usage', 'rate_limited', 'file_too_large'],
    audited: false,
    async run({ principal, params, body }) {
      const { message, repeated } = await chat.post(principal, params.id, body)
      return new Reply({ message }, { status: repeated ? 200 : 201 })
    },
  }),

  operation({
    id: 'getPresence',
    method: 'get',
    path: '/presence',
    tag: 'rooms',
    summary: 'Who is in the panel now',
    access: 'viewer',
    answers: { 200: json(presenceView, 'Who is here') },
    run: () => chat.presence.view(),
  }),
]
