import type { JobView } from '../../src/wire/job.ts'
import type { Direction } from '../support/cut-line.ts'
import type { KillBoard } from './kill-board.ts'
import type { PassingFrame } from './kill-line.ts'
import { hitsFrame, type Moment } from './kill-moment.ts'

interface Armed {
  readonly moment: Moment
  readonly boards: readonly KillBoard[]
  /** Bytes of the lines when it was armed. */
  readonly before: readonly Readonly<Record<Direction, number>>[]
  readonly strike: (board: number) => void
}

const passed = ({ line }: KillBoard) => ({ out: line.bytesOut, in: line.bytesIn })

/** Waits for a moment on the lines and in the news of a gateway, and strikes once when it has come. */
export class Aim {
  #armed: Armed | undefined

  arm(moment: Moment, boards: readonly KillBoard[], strike: (board: number) => void): void {
    this.#armed = { moment, boards, before: boards.map(passed), strike }
  }

  disarm(): void {
    this.#armed = undefined
  }

  onFrame(board: number, frame: PassingFrame): void {
    if (this.#armed === undefined) return
    const hit = hitsFrame(this.#armed.moment, board, frame)
    if (hit === 'no') return
    if (hit === 'keep') this.#armed.boards[board]?.line.hold()
    this.#strike(board, hit === 'pass')
  }

  onBytes(board: number, direction: Direction, total: number): void {
    const { moment, before } = this.#armed ?? {}
    if (moment?.kind !== 'bytes' || moment.board !== board || moment.direction !== direction) return
    if (total - (before?.[board]?.[direction] ?? 0) >= moment.count) this.#strike(board)
  }

  onJob(board: number, { state }: JobView): void {
    const { moment } = this.#armed ?? {}
    if (moment?.kind === 'state' && moment.state === state) this.#strike(board)
  }

  /** `later`: when the bytes that are on their way have been written. */
  #strike(board: number, later = false): void {
    const strike = this.#armed?.strike
    this.#armed = undefined
    if (later) setImmediate(() => strike?.(board))
    else strike?.(board)
  }
}
