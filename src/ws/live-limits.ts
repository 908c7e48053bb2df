/** Caps of the hub; docs/chat.md tells them to people. */
export const liveLimits = {
  connections: 256,
  /** Of them not signed in yet, so that nobody without a password can take all places. */
  anonymous: 64,
  connectionsOfOne: 16,
  topics: 64,
  /** Messages of a client: so many at once, and so many a second after that. */
  incomingPerSecond: 20,
  /** Beyond so many refused messages within a minute the client is closed. */
  refusedPerMinute: 200,
  /** Messages that wait while a token is looked up. */
  waitingForSignIn: 32,
  signInMs: 10_000,
  pingEveryMs: 15_000,
  /** From a close frame to the end of the socket. */
  closeMs: 800,
  payloadBytes: 16 * 1024,
  /** Above it only lossless topics are written; of the others the newest value waits. */
  coalesceBytes: 64 * 1024,
  /** Above it the client is closed. */
  bufferedBytes: 1024 * 1024,
  /** Over all clients; above it the slowest is closed. */
  totalBufferedBytes: 32 * 1024 * 1024,
  /** Newest values that wait for one client. */
  heldValues: 512,
  /** Messages of a topic that wait for its snapshot. */
  heldForSnapshot: 256,
} as const

export type LiveLimits = { readonly [K in keyof typeof liveLimits]: number }

/** Why a connection ends (RFC 6455 §7.4; 4000 and above are ours). */
export const closeCodes = {
  goingAway: 1001,
  badFrame: 1002,
  tryAgainLater: 1013,
  signedOut: 4401,
  tooSlow: 4408,
  tooMany: 4429,
} as const
