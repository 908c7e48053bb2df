import type { ProtocolLevel } from './connection-machine.ts'

export interface RemoteMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
  /** Name of the message in the whole world; a user property `pixelgate-id` in MQTT 5. */
  readonly id: string
}

export interface IncomingMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly retain: boolean
  readonly dup: boolean
  /** undefined: its sender gave none. */
  readonly id: string | undefined
}

/** `refused`: it will never be taken. `later`: not now. */
export type PublishOutcome =
  | { readonly is: 'arrived' }
  | { readonly is: 'refused' | 'later'; readonly reason: string }

export interface SessionEnd {
  /** The other end ended it; false: we did. */
  readonly byEngine: boolean
  readonly reason: string
}

export interface SessionRequest {
  readonly url: string
  readonly level: ProtocolLevel
  readonly clientId: string
  /** Filters of what may come in; with some of them the session lasts beyond the connection. */
  readonly filters: readonly string[]
  /** Said by the other end when we are gone without a word; retained. */
  readonly will: { readonly topic: string; readonly payload: string }
  readonly secrets: RemoteSecrets
}

/** As they are read from their files at each connect, so that a renewed one counts. */
export interface RemoteSecrets {
  readonly user: string | null
  readonly password: string | null
  readonly ca: Buffer | null
  readonly cert: Buffer | null
  readonly key: Buffer | null
}

export interface SessionEvents {
  /** Its acknowledgement waits for the promise, which never rejects. */
  onMessage(message: IncomingMessage): Promise<void>
  /** Once, after it was opened. */
  onEnd(end: SessionEnd): void
}

/** A connection that stands: CONNACK was fine, and the filters are subscribed. */
export interface RemoteSession {
  readonly level: ProtocolLevel
  /** Messages that may wait for their acknowledgement at a time. */
  readonly maxUnderWay: number
  /** Of a whole packet; undefined: not said. */
  readonly maxPacketBytes: number | undefined
  /** QoS 1. `done` is not called any more once the session has ended. */
  publish(message: RemoteMessage, done: (outcome: PublishOutcome) => void): void
  /** With DISCONNECT, so that the will is not said. Never rejects. */
  close(): Promise<void>
  /** Without a word. */
  cut(reason: string): void
}

/** Rejects with a ConnectionFault. */
export type OpenSession = (request: SessionRequest, events: SessionEvents) => Promise<RemoteSession>
