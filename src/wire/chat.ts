import { z } from 'zod'
import { pageShape } from './page.ts'

/** Longest message in characters (code points). */
export const maxMessageCharacters = 10_000

/** Body of POST /rooms. Everybody is in the common room; a room that somebody makes is for its members alone. */
export const newRoom = z.strictObject({
  name: z.string().trim().min(1).max(64),
  members: z.array(z.string().min(1).max(64)).max(64).default([]).describe('Names of people beside oneself'),
})

/** Body of POST /rooms/:id/members. */
export const newMember = z.strictObject({ name: z.string().min(1).max(64) })

/** Body of POST /rooms/:id/messages; the limits are checked by the chat itself, whose words people know. */
export const newMessage = z.strictObject({
  text: z.string().max(200_000),
  clientId: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Made by the client, so that a repeated request posts once'),
})

export const roomView = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(['common', 'group']),
    members: z.array(z.string()).readonly().describe('Names; empty for the common room, where everybody is'),
    createdAt: z.iso.datetime(),
    createdBy: z.string().nullable().describe('Name of who made it; null: the gateway'),
  })
  .readonly()
  .meta({ id: 'Room', description: 'A room of the chat' })
export type RoomView = z.output<typeof roomView>

/** Answer of GET /rooms: the common room first, then by name. */
export const roomsView = z.object({ rooms: z.array(roomView).readonly(), ...pageShape }).readonly()

export const messageView = z
  .object({
    id: z.string(),
    roomId: z.string(),
    author: z.string().nullable().describe('Name of the person; null: the gateway'),
    kind: z.enum(['text', 'system', 'reply']),
    text: z.string(),
    clientId: z.string().nullable(),
    createdAt: z.iso.datetime(),
  })
  .readonly()
  .meta({ id: 'Message', description: 'A message of the chat' })
export type MessageView = z.output<typeof messageView>

/** Answer of GET /rooms/:id/messages: newest first. */
export const messagePageView = z
  .object({
    messages: z.array(messageView).readonly(),
    nextBefore: z.string().nullable().describe('The older name of `nextCursor`, for the query `before`'),
    ...pageShape,
  })
  .readonly()
export type MessagePageView = z.output<typeof messagePageView>

/** Who is in the panel now. */
export const presenceView = z
  .object({
    online: z.array(z.object({ name: z.string(), since: z.iso.datetime() }).readonly()).readonly(),
    joined: z
      .array(z.string())
      .readonly()
      .optional()
      .describe('Who has come since the message before; not in a snapshot and not in GET /presence'),
    left: z.array(z.string()).readonly().optional(),
  })
  .readonly()
  .meta({ id: 'Presence', description: 'Who is in the panel now' })
export type PresenceView = z.output<typeof presenceView>

export interface TypingView {
  readonly roomId: string
  readonly name: string
}
