/** Caps of the hub; docs/live.md tells them to people. */
export const liveLimits = {
  connections: 1280,
  /** Of them not signed in yet, so that nobody without a password can take all places. */
  anonymous: 256,
  connectionsOfOne: 16,
  /** From one address; this machine may have all. */
  connectionsOfAddress: 128,
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
  /** Requests about topics that wait while missed messages are sent. */
  turns: 32,
  /** Lossless messages kept for those who were cut off. */
  ringMessages: 4096,
  ringBytes: 4 * 1024 * 1024,
  /** Newest values kept for them, over all topics. */
  latestValues: 1024,
  /** News of a topic are made for so long after the last one who heard it. */
  awaitedMs: 5 * 60_000,
  /** Snapshots that somebody has got only a part of. */
  unfinishedSnapshots: 2048,
  tickets: 1024,
  ticketsOfOne: 32,
  ticketMs: 30_000,
} as const

export type LiveLimits = { readonly [K in keyof typeof liveLimits]: number }

/** Why a connection ends (RFC 6455 §7.4; 4000 and above are ours). */
export const closeCodes = {
  /** Of a job's channel: the job has ended. */
  done: 1000,
  goingAway: 1001,
  badFrame: 1002,
  tryAgainLater: 1013,
  signedOut: 4401,
  removed: 4403,
  noSuchJob: 4404,
  tooSlow: 4408,
  tooMany: 4429,
} as const
