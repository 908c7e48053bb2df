export interface BrokerLimits {
  /** Of one packet, with its header. */
  readonly maxPacketBytes: number
  /** Connections, whether let in or not. */
  readonly maxClients: number
  readonly maxClientsPerAddress: number
  /** Packets a second that one client may send; its socket is read no faster. */
  readonly maxMessagesPerSecond: number
  /** Messages of one client that the policy refuses, before it is cut off. */
  readonly maxRefusalsPerMinute: number
  /** Of messages that wait for lasting sessions: topic, payload and what keeping them costs. */
  readonly maxQueuedBytes: number
  readonly maxQueuedBytesPerUser: number
  readonly maxQueuedMessagesPerUser: number
  /** Of retained messages. */
  readonly maxRetainedBytes: number
  readonly maxRetainedMessages: number
  readonly maxRetainedBytesPerUser: number
  readonly maxRetainedMessagesPerUser: number
  /** A session whose client stays away for so long ends. */
  readonly sessionExpiryHours: number
}

/** As the configuration has them by default; the refusals are not in it. */
export const brokerLimits: BrokerLimits = {
  maxPacketBytes: 256 * 1024,
  maxClients: 512,
  maxClientsPerAddress: 128,
  maxMessagesPerSecond: 20_000,
  maxRefusalsPerMinute: 60,
  maxQueuedBytes: 16 * 1024 * 1024,
  maxQueuedBytesPerUser: 12 * 1024 * 1024,
  maxQueuedMessagesPerUser: 25_000,
  maxRetainedBytes: 16 * 1024 * 1024,
  maxRetainedMessages: 10_000,
  maxRetainedBytesPerUser: 1024 * 1024,
  maxRetainedMessagesPerUser: 1000,
  sessionExpiryHours: 24,
}
