import type { AppError } from '../../kernel/errors.ts'
import { type Change, emptied } from '../../store/broker/changes.ts'

/** undefined: it is on the disk. */
export type Settle = (fault: AppError | undefined) => void

export interface Ticket {
  readonly changes: readonly Change[]
  /** undefined: nobody waits. */
  readonly settle: Settle | undefined
  /** Written again and again until it is on the disk. */
  readonly must: boolean
}

/** What one commit deals with. */
export interface Batch {
  readonly tickets: readonly Ticket[]
  readonly changes: readonly Change[]
  /** `changes` is everything that is to be on the disk. */
  readonly whole: boolean
}

/** Messages that share one commit at most. */
const maxBatch = 1024
/** Changes that nobody waits for; beyond these, everything there is will be written instead of them. */
const maxNoted = 131_072
const maxNotedBytes = 16 * 1024 * 1024

/** Changes that wait for the disk, in their order. They are in memory already: everything there is covers them all. */
export class PendingChanges {
  readonly #snapshot: () => readonly Change[]
  #tickets: Ticket[] = []
  #noted = 0
  #notedBytes = 0
  /** The disk is behind by too much, or nobody knows what it holds. */
  #whole = false

  constructor(snapshot: () => readonly Change[]) {
    this.#snapshot = snapshot
  }

  get isEmpty(): boolean {
    return this.#tickets.length === 0 && !this.#whole
  }

  /** Changes that nobody waits for. */
  get noted(): number {
    return this.#noted
  }

  push(ticket: Ticket): void {
    this.#tickets.push(ticket)
  }

  note(changes: readonly Change[]): void {
    if (this.#whole) return
    this.#tickets.push({ changes, settle: undefined, must: true })
    this.#noted += changes.length
    this.#notedBytes += bytesOf(changes)
    if (this.#noted > maxNoted || this.#notedBytes > maxNotedBytes) this.writeWhole()
  }

  /** The next commit writes everything. */
  writeWhole(): void {
    this.#whole = true
    this.#tickets = this.#tickets.filter(({ settle }) => settle !== undefined)
    this.#noted = 0
    this.#notedBytes = 0
  }

  take(): Batch {
    const whole = this.#whole
    this.#whole = false
    const tickets = this.#tickets.splice(0, whole ? this.#tickets.length : maxBatch)
    if (whole) return { tickets, changes: [...emptied, ...this.#snapshot()], whole }
    const changes: Change[] = []
    for (const ticket of tickets) {
      for (const change of ticket.changes) changes.push(change)
      if (ticket.settle !== undefined) continue
      this.#noted -= ticket.changes.length
      this.#notedBytes -= bytesOf(ticket.changes)
    }
    return { tickets, changes, whole }
  }

  /** The batch is not on the disk: keeps what must come to pass of it and of all the rest, and returns every ticket. */
  giveUp({ tickets, whole }: Batch): readonly Ticket[] {
    const all = [...tickets, ...this.#tickets.splice(0)]
    this.#noted = 0
    this.#notedBytes = 0
    for (const { changes, must } of all) if (must) this.note(changes)
    if (whole) this.writeWhole()
    return all
  }
}

/** Of the payloads. */
export function bytesOf(changes: readonly Change[]): number {
  let sum = 0
  for (const { payload } of changes) sum += payload?.length ?? 0
  return sum
}
