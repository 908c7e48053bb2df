import type { Actor } from '../board/actor.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import { toError } from '../kernel/errors.ts'
import type { BoardId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { BoardLogQuery, BoardLogRecord, NewBoardLogEntry } from '../store/tables/board-log.ts'
import type { BoardLogEntryView } from '../wire/board-log.ts'

export type BoardLogKind = BoardLogEntryView['kind']

export interface BoardLogEntry {
  readonly boardId: BoardId
  readonly kind: BoardLogKind
  readonly message: string
  readonly by?: Actor
  readonly detail?: Readonly<Record<string, unknown>>
  /** Of entries with the same key that follow each other before they are written, the last is kept. */
  readonly merge?: string
}

/** Entries that each board keeps. */
const keep = 1000
/** An SD card wears out by small writes, so entries wait for each other. */
const writeEveryMs = 10_000
const maxWaiting = 1000

interface Waiting {
  readonly row: NewBoardLogEntry
  readonly merge: string | undefined
}

/**
 * What happened to each board, in the database. Entries are written every ten seconds at most, and before somebody reads; a power cut
 * costs those of the last ten seconds.
 */
export class BoardLog {
  readonly #store: Pick<Store, 'boardLog'>
  readonly #clock: Clock
  readonly #log: Log
  #waiting: Waiting[] = []
  #dropped = 0
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(parts: { readonly store: Pick<Store, 'boardLog'>; readonly clock: Clock; readonly log: Log }) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** Entries that are not written yet. */
  get waiting(): number {
    return this.#waiting.length
  }

  add({ boardId, kind, message, by, detail, merge }: BoardLogEntry): void {
    if (this.#closed) return
    const row: NewBoardLogEntry = {
      boardId,
      kind,
      message,
      who: by?.name || null,
      door: by?.door ?? null,
      detailJson: detail === undefined ? null : JSON.stringify(detail),
      atMs: this.#clock.wallTime(),
    }
    const last = this.#waiting.findLastIndex(other => other.row.boardId === boardId)
    if (merge !== undefined && this.#waiting[last]?.merge === merge) this.#waiting.splice(last, 1)
    this.#waiting.push({ row, merge })
    this.#cap()
    this.#timer ??= this.#clock.setTimer(writeEveryMs, () => void this.flush())
  }

  /** What waits of a board that is known no more must not be written of one that comes back under its id. */
  forget(boardId: BoardId): void {
    this.#waiting = this.#waiting.filter(({ row }) => row.boardId !== boardId)
  }

  /** A page of one board's entries, newest first, with all that has happened until now. */
  async page(
    query: BoardLogQuery,
  ): Promise<{ readonly entries: readonly BoardLogEntryView[]; readonly total: number }> {
    await this.flush()
    const { entries, total } = await this.#store.boardLog.page(query)
    return { entries: entries.map(view), total }
  }

  /** Resolves when all that was said is written, or could not be. */
  flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  /** Writes what is left; what is said later is lost. */
  async close(): Promise<void> {
    await this.flush()
    this.#closed = true
    this.#timer?.cancel()
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return
    const batch = this.#waiting
    this.#waiting = []
    try {
      await this.#store.boardLog.add({ entries: batch.map(({ row }) => row), keep })
      if (this.#dropped > 0)
        this.#log.warn({ entries: this.#dropped }, 'entries of the log of boards were lost')
      this.#dropped = 0
    } catch (thrown) {
      this.#log.warn({ reason: toError(thrown).message }, 'the log of boards could not be written')
      this.#waiting = [...batch, ...this.#waiting]
      this.#cap()
      if (!this.#closed) this.#timer ??= this.#clock.setTimer(writeEveryMs, () => void this.flush())
    }
  }

  #cap(): void {
    const over = this.#waiting.length - maxWaiting
    if (over <= 0) return
    this.#waiting.splice(0, over)
    this.#dropped += over
  }
}

const view = ({ seq, atMs, kind, message, who, door, detailJson }: BoardLogRecord): BoardLogEntryView => ({
  id: String(seq),
  at: new Date(atMs).toISOString(),
  kind: kind as BoardLogKind,
  message,
  who,
  door: door as BoardLogEntryView['door'],
  detail: detailJson === null ? null : (JSON.parse(detailJson) as Record<string, unknown>),
})
