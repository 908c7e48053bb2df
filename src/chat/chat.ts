import type { Principal } from '../account/principal.ts'
import { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { MessageRecord, PostedMessage } from '../store/tables/messages.ts'
import type { Viewer } from '../store/tables/rooms.ts'
import type { ToolContext } from '../tools/tool.ts'
import { type MessagePageView, type MessageView, maxMessageCharacters } from '../wire/chat.ts'
import type { ChatEvents } from './chat-events.ts'
import { Commands, isCommand } from './commands.ts'
import { JobPosts } from './job-posts.ts'
import { messageText } from './message-text.ts'
import { PostLimit } from './post-limit.ts'
import { Presence } from './presence.ts'
import { Retention } from './retention.ts'
import { Rooms } from './rooms.ts'
import { Typing } from './typing.ts'
import { noRoom, viewerOf } from './viewer.ts'
import { messageView } from './views.ts'

const postsPerMinute = 120
/** How long a post waits for its command, so that the answer stands in the room when the post is confirmed. */
const patienceMs = 1000
const stopMs = 2000

export interface ChatOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly tools: ToolContext
  /** Messages and bytes of text that a room keeps: 100,000 and 64 MiB. */
  readonly keep?: number
  readonly keepBytes?: number
}

type NewMessage = Pick<MessageRecord, 'roomId' | 'author' | 'authorId' | 'kind' | 'text' | 'clientId'>

/** Rooms and messages. What happens is told on `bus`, each time with those who may hear of it. */
export class Chat {
  readonly bus = new Bus<ChatEvents>()
  readonly rooms: Rooms
  readonly presence: Presence
  readonly #options: ChatOptions
  readonly #commands: Commands
  readonly #limit: PostLimit
  readonly #typing: Typing
  readonly #retention: Retention
  readonly #answers = new Set<Promise<void>>()
  #jobPosts: JobPosts | undefined
  #commonRoomId = ''

  constructor(options: ChatOptions) {
    const { store, clock, log, tools } = options
    this.#options = options
    this.#commands = new Commands(tools, log)
    this.#limit = new PostLimit({ limit: postsPerMinute, perMs: 60_000 }, clock)
    this.#typing = new Typing(clock)
    this.#retention = new Retention(options)
    this.presence = new Presence(clock, this.bus)
    this.rooms = new Rooms({ store, clock, bus: this.bus, say: (id, text) => this.#sayQuietly(id, text) })
  }

  /** Makes the common room at the first start; from now on the ends of jobs are told there. */
  async start(): Promise<void> {
    const { store, clock, log, tools } = this.#options
    const nowMs = clock.wallTime()
    const { id } = await store.rooms.common({ id: uuidV7(nowMs), name: 'Common room', nowMs })
    this.#commonRoomId = id
    this.#jobPosts = new JobPosts({ bus: tools.core.bus, store, log, say: text => this.announce(text) })
  }

  /** Resolves when the last answers are written, or after 2 s. Call it before the database closes. */
  async stop(): Promise<void> {
    const { clock, log } = this.#options
    this.presence.stop()
    const written = Promise.all([this.#jobPosts?.stop(), ...this.#answers, this.#retention.settled()])
    await withDeadline(clock, stopMs, written, 'overloaded', 'the last answers took too long').catch(
      (thrown: unknown) => log.warn({ reason: toError(thrown).message }, 'the chat was left at its work'),
    )
  }

  get commonRoomId(): string {
    return this.#commonRoomId
  }

  /** Newest first. Rejects with `not_found` for a room that is not there or not the principal's. */
  async messages(
    principal: Principal,
    roomId: string,
    page: {
      readonly before?: string | undefined
      readonly skip?: number | undefined
      readonly limit?: number | undefined
    } = {},
  ): Promise<MessagePageView> {
    const { before, skip = 0, limit = 50 } = page
    const found = await this.#options.store.messages.page({
      roomId,
      viewer: viewerOf(principal),
      ...(before !== undefined && { before }),
      skip,
      limit: limit + 1,
    })
    if (found === undefined) throw noRoom()
    const messages = found.messages.slice(0, limit).map(messageView)
    const nextBefore = found.messages.length > limit ? (messages.at(-1)?.id ?? null) : null
    return { messages, nextBefore, nextCursor: nextBefore, total: found.total }
  }

  /**
   * Rejects with `usage` ("Message cannot be empty", "Message too long (max 10000 characters)"), `rate_limited`
   * beyond 120 a minute, and `not_found`. A `clientId` that the author has used in this room before gives the
   * first message again. A command is answered in the room.
   */
  async post(
    principal: Principal,
    roomId: string,
    { text, clientId }: { readonly text: string; readonly clientId?: string | undefined },
  ): Promise<{ readonly message: MessageView; readonly repeated: boolean }> {
    const clean = messageText(text)
    this.#take(principal)
    const authorId = principal.kind === 'local' ? null : principal.id
    const posted = await this.#write(viewerOf(principal), {
      roomId,
      author: principal.name,
      authorId,
      kind: 'text',
      text: clean,
      clientId: clientId ?? null,
    }).catch((thrown: unknown) => {
      this.#limit.giveBack(principal.id)
      throw thrown
    })
    if (posted === undefined || posted.repeated) this.#limit.giveBack(principal.id)
    if (posted === undefined) throw noRoom()
    this.#typing.forget(principal.id, roomId)
    if (!posted.repeated && isCommand(clean)) await this.#answer(principal, roomId, clean)
    return { message: messageView(posted.message), repeated: posted.repeated }
  }

  /** A line of the gateway in the common room. */
  async announce(text: string): Promise<void> {
    await this.#say(this.#commonRoomId, 'system', text)
  }

  /** Tells the others of the room, every 2 s at most. Rejects with `not_found`. */
  async typing(principal: Principal, roomId: string): Promise<void> {
    if (!this.#typing.due(principal.id, roomId)) return
    const audience = await this.#options.store.messages.audience({ roomId, viewer: viewerOf(principal) })
    if (audience === undefined) throw noRoom()
    this.bus.emit('chat.typing', {
      audience,
      byId: principal.id,
      typing: { roomId, name: principal.name },
    })
  }

  #take({ id }: Principal): void {
    const waitMs = this.#limit.take(id)
    if (waitMs === 0) return
    const retryAfterSeconds = Math.ceil(waitMs / 1000)
    const message = `You may write ${postsPerMinute} messages a minute. Wait ${retryAfterSeconds} s, then try again.`
    throw new AppError('rate_limited', message, { detail: { retryAfterMs: waitMs, retryAfterSeconds } })
  }

  async #answer(principal: Principal, roomId: string, text: string): Promise<void> {
    const { clock } = this.#options
    const answered = this.#commands
      .answer(principal, text)
      .then(answer => this.#say(roomId, 'reply', answer))
      .catch((thrown: unknown) => this.#unsaid(roomId, thrown))
      .finally(() => this.#answers.delete(answered))
    this.#answers.add(answered)
    await new Promise<void>(resolve => {
      const timer = clock.setTimer(patienceMs, resolve)
      void answered.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** A room that was deleted meanwhile needs no answer. */
  async #say(roomId: string, kind: 'system' | 'reply', text: string): Promise<void> {
    await this.#write(null, { roomId, author: null, authorId: null, kind, text: clip(text), clientId: null })
  }

  async #sayQuietly(roomId: string, text: string): Promise<void> {
    await this.#say(roomId, 'system', text).catch((thrown: unknown) => this.#unsaid(roomId, thrown))
  }

  #unsaid(roomId: string, thrown: unknown): void {
    this.#options.log.warn(
      { roomId, reason: toError(thrown).message },
      'the gateway could not write in a room',
    )
  }

  async #write(viewer: Viewer, message: NewMessage): Promise<PostedMessage | undefined> {
    const { store, clock } = this.#options
    const createdMs = clock.wallTime()
    const posted = await store.messages.post({
      viewer,
      message: { id: uuidV7(createdMs), ...message, createdMs },
    })
    if (posted === undefined || posted.repeated) return posted
    this.#retention.written(posted.message)
    this.bus.emit('chat.message', { audience: posted.audience, message: messageView(posted.message) })
    return posted
  }
}

/** Answers keep to the limit of messages too; an emoji that the cut halves is dropped. */
const clip = (text: string): string =>
  text.length <= maxMessageCharacters
    ? text
    : `${text.slice(0, maxMessageCharacters - 1).replace(/[\ud800-\udbff]$/, '')}…`
