import { z } from 'zod'

/** Longest message in characters (code points). */
export const maxMessageCharacters = 10_000

/** Body of POST /rooms. Everybody is in the common room; a room that somebody makes is for its members alone. */
export const newRoom = z.strictObject({
  name: z.string().trim().min(1).max(64),
  /** Names of people beside oneself. */
  members: z.array(z.string().min(1).max(64)).max(64).default([]),
})

/** Body of POST /rooms/:id/members. */
export const newMember = z.strictObject({ name: z.string().min(1).max(64) })

/** Body of POST /rooms/:id/messages; the limits are checked by the chat itself, whose words people know. */
export const newMessage = z.strictObject({
  text: z.string().max(200_000),
  /** Made by the client, so that a repeated request posts once. */
  clientId: z.string().min(1).max(64).optional(),
})

export interface RoomView {
  readonly id: string
  readonly name: string
  readonly kind: 'common' | 'group'
  /** Names; empty for the common room, where everybody is. */
  readonly members: readonly string[]
  readonly createdAt: string
  /** Name of who made it; null: the gateway. */
  readonly createdBy: string | null
}

export interface MessageView {
  readonly id: string
  readonly roomId: string
  /** Name of the person; null: the gateway. */
  readonly author: string | null
  readonly kind: 'text' | 'system' | 'reply'
  readonly text: string
  readonly clientId: string | null
  readonly createdAt: string
}

/** Answer of GET /rooms/:id/messages?before=ID&limit=50: newest first; `nextBefore` is the cursor of the next page. */
export interface MessagePageView {
  readonly messages: readonly MessageView[]
  readonly nextBefore: string | null
}

/** Who is in the panel now. */
export interface PresenceView {
  readonly online: readonly { readonly name: string; readonly since: string }[]
  /** Who has come or gone since the message before; not in a snapshot and not in GET /presence. */
  readonly joined?: readonly string[]
  readonly left?: readonly string[]
}

export interface TypingView {
  readonly roomId: string
  readonly name: string
}
