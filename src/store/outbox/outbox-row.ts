/**
 * What a message is worth when room runs short. `telemetry` goes first, then the oldest `state` (its topic's last value is kept by
 * the broker too), then the oldest `message`; `result`, the end of an upload or what clears it, never.
 */
export type MessageClass = 'telemetry' | 'state' | 'message' | 'result'

export const messageClasses = ['telemetry', 'state', 'message', 'result'] as const

/** A message on its way to the broker above. */
export interface OutboxRow {
  /** Rises by one a message; with `epoch` it is the message's name for ever. */
  readonly seq: number
  /** Of the run of the gateway in which it was taken. */
  readonly epoch: string
  /** As it is here, before it is mapped. */
  readonly topic: string
  readonly payload: Uint8Array
  readonly class: MessageClass
  readonly retain: boolean
  /** Milliseconds that the gateway had run in all its life; no clock that is set counts. */
  readonly livedMs: number
}

/** What a row takes, with its index entries. */
export const outboxRowBytes = ({ topic, payload }: Pick<OutboxRow, 'topic' | 'payload'>): number =>
  Buffer.byteLength(topic) + payload.length + 160

export interface OutboxLimits {
  readonly maxBytes: number
  readonly maxAgeMs: number
}

export interface OutboxBatch {
  readonly upstream: string
  readonly livedMs: number
  readonly limits: OutboxLimits
  readonly insert: readonly OutboxRow[]
  /** Sequence numbers of what has arrived. */
  readonly remove: readonly number[]
  /** States of these topics up to this number are out of date. */
  readonly outdated: readonly { readonly topic: string; readonly seq: number }[]
  /** Uploads whose end is among the rows. */
  readonly jobs: readonly string[]
}

export interface OutboxUsage {
  readonly rows: number
  readonly bytes: number
  readonly byClass: Readonly<Record<MessageClass, number>>
  /** When the oldest was taken, as `livedMs`; null: there is none. */
  readonly oldestMs: number | null
}

/** Rows that had to go although they had not arrived. */
export interface DroppedRow {
  readonly seq: number
  readonly class: MessageClass
  /** `space`: the outbox was full; `age`: too old; `damaged`: not what was stored. */
  readonly reason: 'space' | 'age' | 'damaged'
}

export interface BatchOutcome {
  readonly usage: OutboxUsage
  readonly dropped: readonly DroppedRow[]
}

export interface OutboxPage {
  readonly rows: readonly OutboxRow[]
  /** True: there is nothing behind them. */
  readonly last: boolean
  readonly damaged: readonly DroppedRow[]
}
