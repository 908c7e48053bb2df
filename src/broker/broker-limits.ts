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
}

/** As the configuration has them by default; the last one is not in it. */
export const brokerLimits: BrokerLimits = {
  maxPacketBytes: 256 * 1024,
  maxClients: 512,
  maxClientsPerAddress: 128,
  maxMessagesPerSecond: 1000,
  maxRefusalsPerMinute: 60,
}
