import type { Bus } from '../kernel/bus.ts'

/** Counters of an open link that live with it, as a frame channel has them. */
export interface LinkCounters {
  readonly bytesIn: number
  readonly bytesOut: number
}

/** The events that are metered, as far as a meter looks at them; the gateway's bus carries more. */
export interface MeteredEvents {
  readonly 'board.up': { readonly boardId: string; readonly session: { readonly channel: LinkCounters } }
  readonly 'board.down': { readonly boardId: string }
  readonly 'board.quarantined': { readonly boardId: string }
  readonly 'board.forgotten': { readonly boardId: string }
  readonly 'job.changed': {
    readonly id: string
    readonly boardId: string
    readonly state: string
    /** JSON with `retransmittedBytes`, once it has run. */
    readonly statsJson: string | null
  }
  readonly 'job.progress': { readonly boardId: string; readonly lineShare: number | null }
}

export interface BoardReading {
  readonly boardId: string
  readonly connected: boolean
  readonly quarantined: boolean
  readonly bytesIn: number
  readonly bytesOut: number
  /** Jobs that are not finished, by state. */
  readonly jobs: Readonly<Record<string, number>>
  /** Jobs that ended since the start, by how. */
  readonly finished: Readonly<Record<string, number>>
  /** Of the last transfer; null: none yet, or a line without a rate. */
  readonly lineShare: number | null
  readonly retransmittedBytes: number
}

interface BoardEntry {
  link: LinkCounters | undefined
  quarantined: boolean
  bytesIn: number
  bytesOut: number
  lineShare: number | null
  retransmittedBytes: number
  readonly jobs: Map<string, { state: string; retransmittedBytes: number }>
  readonly finished: Map<string, number>
}

/** More boards than a gateway serves; what comes beyond is counted under one name. */
const maxBoards = 256
const others = 'others'
const finalStates = ['done', 'failed', 'cancelled']

/** Counts per board what the bus tells, so that neither the boards nor the jobs know of metrics. */
export class GatewayMeter {
  readonly #boards = new Map<string, BoardEntry>()
  /** How much of a link was counted already: a board that restarts is greeted again on the same link. */
  readonly #counted = new WeakMap<LinkCounters, LinkCounters>()

  /** Listens until the function that comes back is called. */
  watch(bus: Bus<MeteredEvents>): () => void {
    const ends = [
      bus.on('board.up', ({ boardId, session }) => {
        const entry = this.#entry(boardId)
        this.#settle(entry)
        entry.link = session.channel
        entry.quarantined = false
      }),
      bus.on('board.down', ({ boardId }) => this.#leave(boardId, false)),
      bus.on('board.forgotten', ({ boardId }) => void this.#boards.delete(boardId)),
      bus.on('board.quarantined', ({ boardId }) => this.#leave(boardId, true)),
      bus.on('job.changed', job => this.job(job)),
      bus.on('job.progress', ({ boardId, lineShare }) => {
        if (lineShare !== null) this.#entry(boardId).lineShare = lineShare
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  /** A board that is known, though it may not be there: it counts as away. */
  know(boardId: string): void {
    this.#entry(boardId)
  }

  /** A job as it now is; also for those that an earlier process left. */
  job({ id, boardId, state, statsJson }: MeteredEvents['job.changed']): void {
    const entry = this.#entry(boardId)
    const final = finalStates.includes(state)
    const now = retransmittedIn(statsJson)
    // What an unfinished job has at first sight was lost in the time of an earlier process.
    const before = entry.jobs.get(id)?.retransmittedBytes ?? (final ? 0 : now)
    const retransmittedBytes = Math.max(before, now)
    entry.retransmittedBytes += retransmittedBytes - before
    if (final) {
      entry.jobs.delete(id)
      entry.finished.set(state, (entry.finished.get(state) ?? 0) + 1)
    } else entry.jobs.set(id, { state, retransmittedBytes })
  }

  read(): BoardReading[] {
    return [...this.#boards].map(([boardId, entry]) => {
      const { link, quarantined, lineShare, retransmittedBytes } = entry
      const { bytesIn, bytesOut } = this.#uncounted(link)
      const jobs: Record<string, number> = {}
      for (const { state } of entry.jobs.values()) jobs[state] = (jobs[state] ?? 0) + 1
      return {
        boardId,
        connected: link !== undefined,
        quarantined,
        bytesIn: entry.bytesIn + bytesIn,
        bytesOut: entry.bytesOut + bytesOut,
        jobs,
        finished: Object.fromEntries(entry.finished),
        lineShare,
        retransmittedBytes,
      }
    })
  }

  #leave(boardId: string, quarantined: boolean): void {
    const entry = this.#entry(boardId)
    this.#settle(entry)
    entry.quarantined = quarantined
  }

  #settle(entry: BoardEntry): void {
    if (entry.link === undefined) return
    const { bytesIn, bytesOut } = this.#uncounted(entry.link)
    entry.bytesIn += bytesIn
    entry.bytesOut += bytesOut
    this.#counted.set(entry.link, { bytesIn: entry.link.bytesIn, bytesOut: entry.link.bytesOut })
    entry.link = undefined
  }

  #uncounted(link: LinkCounters | undefined): LinkCounters {
    if (link === undefined) return { bytesIn: 0, bytesOut: 0 }
    const counted = this.#counted.get(link)
    return {
      bytesIn: link.bytesIn - (counted?.bytesIn ?? 0),
      bytesOut: link.bytesOut - (counted?.bytesOut ?? 0),
    }
  }

  #entry(boardId: string): BoardEntry {
    const id = this.#boards.has(boardId) || this.#boards.size < maxBoards ? boardId : others
    const known = this.#boards.get(id)
    if (known !== undefined) return known
    const entry: BoardEntry = {
      link: undefined,
      quarantined: false,
      bytesIn: 0,
      bytesOut: 0,
      lineShare: null,
      retransmittedBytes: 0,
      jobs: new Map(),
      finished: new Map(),
    }
    this.#boards.set(id, entry)
    return entry
  }
}

function retransmittedIn(statsJson: string | null): number {
  if (statsJson === null) return 0
  const { retransmittedBytes } = JSON.parse(statsJson) as { retransmittedBytes?: unknown }
  return typeof retransmittedBytes === 'number' ? retransmittedBytes : 0
}
