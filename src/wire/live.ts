import { z } from 'zod'

/**
 * Topics of the WebSocket at /ws. Lossless: boards, jobs, chat, presence, gpio. Latest value only: progress, metrics, typing.
 * `jobs/ID` and `progress/ID` are one job's.
 */
export const liveTopic = z
  .string()
  .regex(/^(boards|jobs|progress|chat|presence|typing|gpio|metrics|health)$|^(jobs|progress)\/[0-9a-f-]{36}$/)

/** What a client sends, as JSON text. */
export const liveRequest = z.discriminatedUnion('type', [
  /** Within 10 s, unless the request came with a cookie or an Authorization header. */
  z.strictObject({ type: z.literal('auth'), token: z.string().min(1).max(256) }),
  z.strictObject({ type: z.literal('subscribe'), topics: z.array(liveTopic).min(1).max(64) }),
  z.strictObject({ type: z.literal('unsubscribe'), topics: z.array(liveTopic).min(1).max(64) }),
  z.strictObject({ type: z.literal('typing'), roomId: z.string().min(1).max(64) }),
  /** Answered by `session`/`pong` with the same id: a browser cannot see the protocol's own pings. */
  z.strictObject({ type: z.literal('ping'), id: z.int().min(0) }),
])
export type LiveRequest = z.input<typeof liveRequest>

/**
 * What the gateway sends. `seq` counts up by one for each message of the connection.
 *
 * | topic | type | data |
 * |---|---|---|
 * | session | welcome, subscribed, pong, error | WelcomeView, { topics }, { id }, { code, message } |
 * | boards | board | BoardView |
 * | jobs, jobs/ID | job | JobView |
 * | progress, progress/ID | progress | ProgressView |
 * | chat | message, room, left | MessageView, RoomView, { roomId } |
 * | presence | presence | PresenceView |
 * | typing | typing | TypingView |
 * | gpio | line | GpioLineView |
 * | metrics | sample | MetricsSample |
 * | health | health | HealthView |
 *
 * After `subscribed` to boards, presence, gpio or health a snapshot comes as messages of the same kind.
 */
export interface LiveMessage {
  readonly v: 1
  readonly seq: number
  /** RFC 3339. */
  readonly ts: string
  readonly topic: string
  readonly type: string
  readonly data: unknown
}

export interface WelcomeView {
  readonly name: string
  readonly role: string
  readonly version: string
}

export interface ProgressView {
  readonly jobId: string
  readonly boardId: string
  readonly phase: string
  readonly doneBytes: number
  readonly totalBytes: number
  readonly durableBlocks: number
  readonly blocks: number
  /** Share of the line that is payload, 0 to 1; null where the line has no rate (TCP). */
  readonly lineShare: number | null
}
