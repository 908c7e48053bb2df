/** What the broker holds and has done, since its start where it counts. */
export interface BrokerStats {
  readonly clients: number
  /** Those that are not let in yet as well. */
  readonly connections: number
  readonly messagesReceived: number
  readonly messagesSent: number
  /** Both directions, over the last ten seconds. */
  readonly messagesPerSecond: number
  readonly retained: number
  readonly retainedBytes: number
  readonly sessions: number
  readonly queuedBytes: number
  readonly queuedMessages: number
  /** Of the quotas of everybody and of each user the fullest, 0 to 1. */
  readonly queuedShare: number
  readonly retainedShare: number
  /** Messages for which a session had no room. */
  readonly droppedMessages: number
  /** Retained messages for which there was no room. */
  readonly refusedRetained: number
  /** Of broker.db: transactions, those that failed, and messages that wait for one. */
  readonly commits: number
  readonly failedCommits: number
  readonly waitingForDisk: number
  readonly refusedConnections: number
  readonly violations: number
  readonly commandsRunning: number
}
