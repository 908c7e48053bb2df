import { computed, signal } from '@preact/signals'
import type { MessagePageView, MessageView, PresenceView, RoomView, TypingView } from '../../wire/chat.ts'
import { call, get, getAll, post, withQuery } from '../api.ts'
import { follow, send } from '../live.ts'
import {
  type Conversation,
  emptyConversation,
  sortRooms,
  unreadOf,
  withMessage,
  withNewest,
  withoutPending,
  withPage,
  withPending,
  withRoom,
} from '../model/chat.ts'
import { asTrouble } from '../model/problem.ts'
import { mayTell, stillTyping, type Typist, withTypist } from '../model/typing.ts'
import { randomId } from './random-id.ts'
import { remember, remembered } from './remembered.ts'
import { me } from './session.ts'
import { attempt } from './toasts.ts'

const pageSize = 50

export const rooms = signal<readonly RoomView[]>([])
export const roomId = signal<string | null>(null)
export const conversations = signal<ReadonlyMap<string, Conversation>>(new Map())
export const online = signal<PresenceView['online']>([])
export const typists = signal<readonly Typist[]>([])
export const chatOpen = signal(false)
/** Id of the last message seen in each room; kept by this browser. */
const seen = signal<Readonly<Record<string, string>>>({})

export const room = computed(() => rooms.value.find(({ id }) => id === roomId.value) ?? null)
export const unread = computed((): ReadonlyMap<string, number> => {
  const name = me.value?.name ?? ''
  return new Map(
    [...conversations.value].map(([id, { messages }]) => [
      id,
      unreadOf(messages, seen.value[id] ?? '', name),
    ]),
  )
})
export const unreadTotal = computed(() => [...unread.value.values()].reduce((sum, count) => sum + count, 0))

export const conversation = (id: string): Conversation => conversations.value.get(id) ?? emptyConversation

const change = (id: string, to: (conversation: Conversation) => Conversation) => {
  const before = conversations.peek().get(id) ?? emptyConversation
  conversations.value = new Map(conversations.peek()).set(id, to(before))
  markSeen()
}

export async function loadChat(): Promise<void> {
  const [all, present] = await Promise.all([
    getAll<RoomView>('/rooms', 'rooms'),
    get<PresenceView>('/presence'),
  ])
  const stored = remembered(seenKey())
  if (Object.keys(seen.peek()).length === 0) seen.value = readSeen(stored)
  rooms.value = sortRooms(all)
  online.value = present.online
  if (!all.some(({ id }) => id === roomId.peek())) roomId.value = rooms.peek()[0]?.id ?? null
  await Promise.all(all.map(({ id }) => loadNewest(id)))
  // Who is here for the first time has missed nothing.
  if (stored === null) see(all.map(({ id }) => id))
}

async function loadNewest(id: string): Promise<void> {
  const page = await get<MessagePageView>(withQuery(`/rooms/${id}/messages`, { limit: pageSize }))
  change(id, before => withNewest(before, page))
}

export async function loadOlder(id: string): Promise<void> {
  const { nextBefore } = conversations.peek().get(id) ?? emptyConversation
  if (nextBefore === null || nextBefore === undefined) return
  const page = await get<MessagePageView>(
    withQuery(`/rooms/${id}/messages`, { limit: pageSize, before: nextBefore }),
  )
  change(id, before => withPage(before, page))
}

export const followChat = (): (() => void) =>
  follow(
    ['chat', 'presence', 'typing'],
    ({ type, data }) => {
      switch (type) {
        case 'message':
          return takeMessage(data as MessageView)
        case 'room':
          return takeRoom(data as RoomView)
        case 'left':
          return forget((data as { roomId: string }).roomId)
        case 'presence':
          online.value = (data as PresenceView).online
          return
        case 'typing':
          return takeTypist(data as TypingView)
      }
    },
    () => void attempt(loadChat),
  )

function takeMessage(message: MessageView): void {
  change(message.roomId, before => withMessage(before, message))
  typists.value = typists
    .peek()
    .filter(({ roomId, name }) => roomId !== message.roomId || name !== message.author)
}

function takeRoom(changed: RoomView): void {
  const known = rooms.peek().some(({ id }) => id === changed.id)
  rooms.value = withRoom(rooms.peek(), changed)
  if (!known) void attempt(() => loadNewest(changed.id))
}

function forget(left: string): void {
  rooms.value = rooms.peek().filter(({ id }) => id !== left)
  const others = new Map(conversations.peek())
  others.delete(left)
  conversations.value = others
  if (roomId.peek() === left) roomId.value = rooms.peek()[0]?.id ?? null
}

function takeTypist({ roomId, name }: TypingView): void {
  if (name !== me.peek()?.name) typists.value = withTypist(typists.peek(), { roomId, name, atMs: Date.now() })
}

/** Called once a second: who has said nothing for a while has stopped typing. */
export function dropTypists(now: number): void {
  const left = stillTyping(typists.peek(), now)
  if (left.length !== typists.peek().length) typists.value = left
}

let toldMs: number | null = null

export function tellTyping(id: string): void {
  if (!mayTell(toldMs, performance.now())) return
  toldMs = performance.now()
  send({ type: 'typing', roomId: id })
}

/** Shows the message at once; the one that comes back with the same client id takes its place. */
export async function postMessage(id: string, text: string, clientId: string = randomId()): Promise<void> {
  change(id, before => withPending(before, { clientId, text, trouble: null }))
  toldMs = null
  try {
    const { message } = await post<{ message: MessageView }>(`/rooms/${id}/messages`, { text, clientId })
    takeMessage(message)
  } catch (thrown) {
    const trouble = asTrouble(thrown).message
    change(id, before => withPending(before, { clientId, text, trouble }))
  }
}

export function dropPending(id: string, clientId: string): void {
  change(id, before => withoutPending(before, clientId))
}

export async function makeRoom(name: string, members: readonly string[]): Promise<void> {
  const { room: made } = await post<{ room: RoomView }>('/rooms', { name, members })
  takeRoom(made)
  openRoom(made.id)
}

export async function addMember(id: string, name: string): Promise<void> {
  await post(`/rooms/${id}/members`, { name })
}

export async function leaveRoom(id: string): Promise<void> {
  await call('DELETE', `/rooms/${id}/members/${encodeURIComponent(me.peek()?.name ?? '')}`)
  forget(id)
}

export async function deleteRoom(id: string): Promise<void> {
  await call('DELETE', `/rooms/${id}`)
  forget(id)
}

export function openRoom(id: string): void {
  roomId.value = id
  markSeen()
}

export function openChat(open: boolean): void {
  chatOpen.value = open
  markSeen()
}

/** What stands in the open room is seen while the drawer is open and the page in front. */
export function markSeen(): void {
  const id = roomId.peek()
  if (!chatOpen.peek() || id === null || document.visibilityState !== 'visible') return
  see([id])
}

const seenKey = () => `seen.${me.peek()?.name ?? ''}`

/** All that is there of these rooms has been seen. */
function see(ids: readonly string[]): void {
  const news = ids.flatMap(id => {
    const last = conversations.peek().get(id)?.messages.at(-1)?.id
    return last === undefined || (seen.peek()[id] ?? '') >= last ? [] : [[id, last] as const]
  })
  if (news.length === 0) return
  seen.value = { ...seen.peek(), ...Object.fromEntries(news) }
  remember(seenKey(), JSON.stringify(seen.peek()))
}

function readSeen(stored: string | null): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(stored ?? '{}')
    return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {}
  } catch {
    return {}
  }
}

document.addEventListener('visibilitychange', markSeen)

export function resetChat(): void {
  rooms.value = []
  roomId.value = null
  conversations.value = new Map()
  typists.value = []
  online.value = []
  seen.value = {}
  chatOpen.value = false
}
