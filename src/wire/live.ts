import { z } from 'zod'

/**
 * Topics of the WebSocket at /ws. Lossless: boards, jobs, alerts, chat, presence, gpio, health. Latest value only: progress,
 * preview, metrics, typing. `jobs/ID` and `progress/ID` are one job's.
 */
export const liveTopic = z
  .string()
  .regex(
    /^(boards|jobs|alerts|progress|preview|chat|presence|typing|gpio|metrics|health)$|^(jobs|progress)\/[0-9a-f-]{36}$/,
    'no topic; there are boards, jobs, jobs/ID, progress, progress/ID, preview, alerts, chat, presence, typing, gpio, metrics and health',
  )
const topics = z.array(liveTopic).min(1).max(64)

const word = z.string().min(1).max(64)
const words = z.union([word, z.array(word).min(1).max(64)])

/** Each key names what is wanted, one or any of several; a message has to fit all of them, and one that does not say so does not. */
export const liveFilter = z.strictObject({
  /** Of boards their own id. */
  boardId: words.optional(),
  /** Of jobs their own id. */
  jobId: words.optional(),
  state: words.optional(),
  severity: words.optional(),
  code: words.optional(),
  /** Types of messages. */
  types: words.optional(),
})
export type LiveFilter = z.output<typeof liveFilter>

/** What a client sends, as JSON text. */
export const liveRequest = z.discriminatedUnion('type', [
  /** Within 10 s, unless the request came with a cookie, an Authorization header or a ticket. */
  z.strictObject({ type: z.literal('auth'), token: z.string().min(1).max(256) }),
  /** The filter is for these topics; it takes the place of one that they had. */
  z.strictObject({ type: z.literal('subscribe'), topics, filter: liveFilter.optional() }),
  /** After a cut: what these topics told after the message `since`, then what they tell. */
  z.strictObject({
    type: z.literal('resume'),
    since: z.int().min(0),
    epoch: z.string().min(1).max(64),
    topics,
    filter: liveFilter.optional(),
  }),
  z.strictObject({ type: z.literal('unsubscribe'), topics }),
  z.strictObject({ type: z.literal('typing'), roomId: z.string().min(1).max(64) }),
  /** Answered by `session`/`pong` with the same id: a browser cannot see the protocol's own pings. */
  z.strictObject({ type: z.literal('ping'), id: z.int().min(0) }),
])
export type LiveRequest = z.input<typeof liveRequest>

/**
 * What the gateway sends. `seq` is a number of one sequence for all that the gateway says; on a connection it only rises.
 *
 * | topic | type | data |
 * |---|---|---|
 * | session | welcome, subscribed, resumed, gap, pong, error | WelcomeView, { topics }, ResumedView, GapView, { id }, { code, message } |
 * | boards | board | BoardView |
 * | jobs, jobs/ID | job | JobView |
 * | progress, progress/ID | progress | ProgressView |
 * | alerts | alert | an alert as GET /alerts shows it: id, severity, code, message, raisedAt, clearedAt … |
 * | preview | preview | BoardPreviewView |
 * | chat | message, room, left | MessageView, RoomView, { roomId } |
 * | presence | presence | PresenceView |
 * | typing | typing | TypingView |
 * | gpio | line | GpioLineView |
 * | metrics | sample | MetricsSample |
 * | health | health | HealthView |
 *
 * After `subscribed` to boards, jobs/ID, presence, gpio or health a snapshot comes as messages of the same kind.
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
  /** New at each start of the gateway; numbers of another one mean nothing. */
  readonly epoch: string
  /** Last number given so far: where a client begins that has heard nothing yet. */
  readonly seq: number
}

/** The missed messages are all sent. */
export interface ResumedView {
  /** All that the connection now has. */
  readonly topics: readonly string[]
  readonly since: number
  /** Missed messages that were sent. */
  readonly replayed: number
}

/** Of these topics messages are missing for good; what has a snapshot gets it after this, the rest is asked for over HTTP. */
export interface GapView {
  readonly topics: readonly string[]
}

export const progressView = z
  .object({
    jobId: z.string(),
    boardId: z.string(),
    phase: z.string(),
    doneBytes: z.number(),
    totalBytes: z.number(),
    durableBlocks: z.number(),
    blocks: z.number(),
    lineShare: z
      .number()
      .nullable()
      .describe('Share of the line that is payload, 0 to 1; null where the line has no rate (TCP)'),
  })
  .readonly()
  .meta({ id: 'Progress' })
export type ProgressView = z.output<typeof progressView>

/** Answer of POST /auth/ws-ticket. */
export const liveTicketView = z
  .object({
    ticket: z.string().describe('For /ws?ticket=…, once'),
    expiresAt: z.iso.datetime(),
  })
  .readonly()
  .meta({ id: 'LiveTicket' })
export type LiveTicketView = z.output<typeof liveTicketView>

/** One connection, for admins. */
export const liveClientView = z
  .object({
    id: z.string(),
    user: z.string().nullable().describe('null: not signed in yet'),
    kind: z.string().nullable().describe('user, token, guest or local; null: not signed in yet'),
    address: z.string(),
    agent: z.string().describe('User-Agent of the request'),
    since: z.iso.datetime(),
    topics: z.array(z.string()).readonly(),
    bufferedBytes: z.int().min(0).describe('Sent, but not yet taken by the network'),
    latencyMs: z.number().nullable().describe('Round trip of the last ping; null: none was answered yet'),
    dropped: z.int().min(0).describe('Newest values that a newer one has replaced'),
    sent: z.int().min(0).describe('Messages'),
  })
  .readonly()
  .meta({ id: 'LiveClient', description: 'A WebSocket connection' })
export type LiveClientView = z.output<typeof liveClientView>

/** Answer of GET /live/clients. */
export const liveClientsView = z
  .object({
    clients: z.array(liveClientView).readonly(),
    total: z.int().min(0),
    nextCursor: z.string().nullable(),
  })
  .readonly()

/** What a board shows, told when it becomes something else. */
export interface BoardPreviewView {
  readonly boardId: string
  /** null: it is away, or has no pattern. */
  readonly imageId: string | null
  readonly width: number
  readonly height: number
  /** Base64 of R, G, B of the first frame, row by row from the top left; null: it is no picture that this gateway has made. */
  readonly pixels: string | null
}
