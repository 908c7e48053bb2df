import type { Clock } from '../../kernel/clock.ts'
import type { PacketCounts } from '../packets/packet-counts.ts'
import type { Violation } from '../packets/violation.ts'
import type { Door } from './door.ts'
import type { SendTurn } from './send-turn.ts'

/** What all connections have in common. */
export interface GuardedStreamOptions {
  readonly clock: Clock
  readonly turn: SendTurn
  readonly maxPacketBytes: number
  /** Packets a client may send of itself; beyond it the gateway reads no faster. */
  readonly maxMessagesPerSecond: number
  readonly counts: PacketCounts
  readonly onViolation: (
    violation: Violation,
    who: { readonly address: string; readonly user: string | null },
  ) => void
}

/** Whose connection it is, as far as the door knows. */
export interface Visitor {
  /** Unique among all connections; stands in the log. */
  readonly id: string
  readonly address: string
  readonly door: Door
}
