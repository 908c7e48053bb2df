import type { Clock } from '../../kernel/clock.ts'
import type { Change } from '../../store/broker/changes.ts'
import type { Journal } from './journal.ts'
import type { Session } from './session-record.ts'

/** 2024-01-01. A clock that shows an earlier time has never been set. */
const everSetMs = 1_704_067_200_000

/** How often it is noted how long clients have been away; a kill costs so much of it at most. */
const noteEveryMs = 10 * 60_000

/**
 * How long the gateway was off, by the wall clock: when it was last noted and now. A clock that has gone back, or was not set
 * at one of the two times, says nothing: 0.
 */
export function offMs(notedMs: number | undefined, nowMs: number): number {
  if (notedMs === undefined || notedMs < everSetMs || nowMs < notedMs) return 0
  return nowMs - notedMs
}

export interface TimeAwayParts {
  readonly clock: Clock
  readonly journal: Pick<Journal, 'note'>
  readonly connected: (clientId: string) => boolean
}

/** How long the clients of sessions have been away, over all runs of the gateway. */
export class TimeAway {
  readonly #parts: TimeAwayParts
  #notedMs: number

  constructor(parts: TimeAwayParts) {
    this.#parts = parts
    this.#notedMs = parts.clock.now()
  }

  get noteIsDue(): boolean {
    return this.#parts.clock.now() - this.#notedMs >= noteEveryMs
  }

  ofMs({ awayMs, sinceMs }: Session): number {
    return awayMs + this.#parts.clock.now() - sinceMs
  }

  end(session: Session): void {
    session.awayMs = 0
    session.sinceMs = this.#parts.clock.now()
    if (session.notedAwayMs === 0) return
    session.notedAwayMs = 0
    this.#parts.journal.note({ name: 'setAway', args: [0, session.id] })
  }

  /** The time of the clock alone: what the next run counts from. */
  noteClock(): void {
    this.#parts.journal.note(this.#setClock())
  }

  note(sessions: ReadonlyMap<string, Session>): void {
    const { clock, journal, connected } = this.#parts
    this.#notedMs = clock.now()
    if (sessions.size === 0) return
    const changes: Change[] = [this.#setClock()]
    for (const session of sessions.values()) {
      const awayMs = connected(session.clientId) ? 0 : Math.round(this.ofMs(session))
      if (awayMs === session.notedAwayMs) continue
      session.notedAwayMs = awayMs
      changes.push({ name: 'setAway', args: [awayMs, session.id] })
    }
    journal.note(...changes)
  }

  #setClock(): Change {
    return { name: 'setClock', args: [Math.round(this.#parts.clock.wallTime())] }
  }
}
