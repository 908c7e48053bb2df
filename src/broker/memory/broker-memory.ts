import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { toError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { BrokerState } from '../../store/broker/broker-state.ts'
import type { Change } from '../../store/broker/changes.ts'
import type { BrokerLimits } from '../broker-limits.ts'
import { type ChangeStore, Journal } from './journal.ts'
import { Persistence } from './persistence.ts'
import { RetainedMessages } from './retained-messages.ts'
import { Sessions } from './sessions.ts'
import { UserQuota } from './user-quota.ts'
import { type OrphanedWill, Wills } from './wills.ts'

/** broker.db as the broker sees it. */
export interface BrokerStorage extends ChangeStore {
  /** Everything that is kept. */
  read(): Promise<BrokerState>
  /** Damaged files that were moved aside and are still there. */
  setAside(): readonly string[]
  close(): Promise<void>
}

export interface BrokerMemoryParts {
  /** undefined: nothing outlasts the process. */
  readonly storage: BrokerStorage | undefined
  readonly clock: Clock
  readonly log: Log
  readonly limits: BrokerLimits
  /** Whether messages of a topic are queued at all. */
  readonly keeps: (topic: string) => boolean
  readonly connected: (clientId: string) => boolean
  readonly mayReceive: (principal: MqttPrincipal, topic: string) => boolean
  readonly maySubscribe: (principal: MqttPrincipal, filter: string) => boolean
  readonly principalOf: (clientId: string) => MqttPrincipal | undefined
}

/** For the clients of before to come back, before their wills are sent. */
const graceMs = 60_000

/** What the broker knows beyond its connections: in memory, and in broker.db for the next run. */
export class BrokerMemory {
  readonly #parts: BrokerMemoryParts
  readonly #queued: UserQuota
  readonly #kept: UserQuota
  readonly journal: Journal
  readonly sessions: Sessions
  readonly retained: RetainedMessages
  readonly wills: Wills
  readonly persistence: Persistence
  #grace: Timer | undefined

  constructor(parts: BrokerMemoryParts) {
    const { storage, clock, log, limits } = parts
    this.#parts = parts
    this.#queued = new UserQuota({
      bytes: limits.maxQueuedBytes,
      rows: Number.MAX_SAFE_INTEGER,
      bytesPerUser: limits.maxQueuedBytesPerUser,
      rowsPerUser: limits.maxQueuedMessagesPerUser,
    })
    this.#kept = new UserQuota({
      bytes: limits.maxRetainedBytes,
      rows: limits.maxRetainedMessages,
      bytesPerUser: limits.maxRetainedBytesPerUser,
      rowsPerUser: limits.maxRetainedMessagesPerUser,
    })
    this.journal = new Journal({ store: storage, clock, log, snapshot: () => this.snapshot() })
    const { journal } = this
    this.sessions = new Sessions({
      ...parts,
      journal,
      quota: this.#queued,
      lifetimeMs: limits.sessionExpiryHours * 3_600_000,
    })
    this.retained = new RetainedMessages(this.#kept)
    this.wills = new Wills(journal)
    const { sessions, retained, wills } = this
    this.persistence = new Persistence({ ...parts, journal, sessions, retained, wills })
  }

  /** Takes up what an earlier run has left. Never rejects: without it the boards play all the same. */
  async load(isKnown: (principal: MqttPrincipal) => boolean): Promise<void> {
    const { storage, log } = this.#parts
    if (storage === undefined) return
    try {
      const state = await storage.read()
      this.sessions.load(state, isKnown)
      this.retained.load(state)
      this.wills.load(state, isKnown)
      if (state.damagedRows > 0)
        log.error({ rows: state.damagedRows }, 'messages in broker.db were damaged, and are lost')
    } catch (thrown) {
      this.journal.failed(thrown)
    }
  }

  /** Calls `publish` for each will whose client has not come back in time. */
  sendOrphanedWills(publish: (will: OrphanedWill) => void): void {
    this.#grace = this.#parts.clock.setTimer(graceMs, () => {
      for (const will of this.wills.takeOrphans()) publish(will)
    })
  }

  /** Whether anything is kept of this client. */
  knows(clientId: string): boolean {
    const { sessions, wills } = this
    return sessions.idOf(clientId) !== undefined || wills.has(clientId) || sessions.incoming.has(clientId)
  }

  stats() {
    return {
      queuedBytes: this.#queued.bytes,
      queuedMessages: this.#queued.rows,
      queuedShare: this.#queued.share,
      retainedShare: this.#kept.share,
      droppedMessages: this.#queued.refused,
      refusedRetained: this.#kept.refused,
      commits: this.journal.commits,
      failedCommits: this.journal.failures,
      waitingForDisk: this.journal.waiting,
    }
  }

  fault(): string | undefined {
    const { fault } = this.journal
    if (fault !== undefined)
      return `Messages that must last are refused, since they cannot be stored: ${toError(fault).message}.`
    const [file] = this.#parts.storage?.setAside() ?? []
    return file === undefined
      ? undefined
      : `broker.db was damaged and is kept as ${file}; sessions and retained messages of before are lost. Check the disk, then delete that file.`
  }

  async stop(): Promise<void> {
    this.#grace?.cancel()
    this.sessions.noteAway()
    await this.journal.stop()
    await this.#parts.storage?.close()
  }

  /** Everything that is to be on the disk. */
  snapshot(): Change[] {
    return [...this.sessions.snapshot(), ...this.retained.snapshot(), ...this.wills.snapshot()]
  }
}
