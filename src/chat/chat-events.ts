import type { Principal } from '../account/principal.ts'
import type { MessageView, PresenceView, RoomView, TypingView } from '../wire/chat.ts'

/** Everybody who is signed in, or the users with these ids. */
export type Audience = 'everyone' | readonly string[]

/** Whether something for this audience may reach the principal; the console sees everything. */
export const reaches = (audience: Audience, { kind, id }: Principal): boolean =>
  kind === 'local' || audience === 'everyone' || audience.includes(id)

export interface ChatEvents {
  readonly 'chat.message': { readonly audience: Audience; readonly message: MessageView }
  /** A room was made, or its members have changed. */
  readonly 'chat.room': { readonly audience: Audience; readonly room: RoomView }
  /** For those who have just lost the room: it was deleted, or they left or were removed. */
  readonly 'chat.left': { readonly audience: Audience; readonly roomId: string }
  readonly 'chat.presence': PresenceView
  /** `byId`: who types, who need not hear of it. */
  readonly 'chat.typing': { readonly audience: Audience; readonly byId: string; readonly typing: TypingView }
}
