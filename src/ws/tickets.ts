import { createHash, randomBytes } from 'node:crypto'
import type { Principal } from '../account/principal.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { LiveTicketView } from '../wire/live.ts'

interface Ticket {
  readonly principal: Principal
  readonly untilMs: number
}

export interface TicketLimits {
  readonly tickets: number
  readonly ticketsOfOne: number
  readonly ticketMs: number
}

/** Hash of a ticket: how long a look-up takes then says nothing about the ticket. */
const keyOf = (ticket: string): string => createHash('sha256').update(ticket).digest('base64')

/**
 * What a page or a program that can send no header puts into the address of a WebSocket: 256 random bits that hold for half
 * a minute and let one connection in, as whoever asked for them.
 */
export class Tickets {
  readonly #clock: Clock
  readonly #limits: TicketLimits
  /** In the order in which they run out. */
  readonly #tickets = new Map<string, Ticket>()

  constructor(clock: Clock, limits: TicketLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Throws `overloaded` when too many wait to be used. */
  issue(principal: Principal): LiveTicketView {
    this.#sweep()
    const own = [...this.#tickets].filter(([, { principal: other }]) => isSame(other, principal))
    const [oldest] = own
    if (oldest !== undefined && own.length >= this.#limits.ticketsOfOne) this.#tickets.delete(oldest[0])
    if (this.#tickets.size >= this.#limits.tickets)
      throw new AppError('overloaded', 'Too many tickets wait to be used. Try again in half a minute.')
    const ticket = randomBytes(32).toString('base64url')
    const { ticketMs } = this.#limits
    this.#tickets.set(keyOf(ticket), { principal, untilMs: this.#clock.now() + ticketMs })
    return { ticket, expiresAt: new Date(this.#clock.wallTime() + ticketMs).toISOString() }
  }

  /** Who has asked for the ticket; undefined when it is none, was used, or has run out. */
  redeem(ticket: string): Principal | undefined {
    const key = keyOf(ticket)
    const found = this.#tickets.get(key)
    this.#tickets.delete(key)
    return found !== undefined && this.#clock.now() < found.untilMs ? found.principal : undefined
  }

  /** Takes those back that these people have. */
  revoke(whose: (principal: Principal) => boolean): void {
    for (const [key, { principal }] of this.#tickets) if (whose(principal)) this.#tickets.delete(key)
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const [key, { untilMs }] of this.#tickets) {
      if (now < untilMs) return
      this.#tickets.delete(key)
    }
  }
}

const isSame = (one: Principal, other: Principal): boolean => one.kind === other.kind && one.id === other.id
