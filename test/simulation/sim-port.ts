import type { Clock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { type MemoryLinkPair, memoryLinkPair } from '../../src/link/memory-link.ts'
import type { LineFault } from './faults.ts'
import { LineNoise } from './line-noise.ts'
import type { SimBoard } from './sim-board.ts'

export interface SimPortOptions {
  readonly name: string
  readonly clock: Clock
  readonly seed: number
  readonly baudRate: number | null
  readonly latencyMs: readonly [toBoard: number, toHost: number]
  readonly noise: readonly LineFault[]
  /** The first line breaks after so many bytes. */
  readonly cut: { readonly afterBytes: number; readonly toBoard: boolean } | undefined
  readonly onOpen: () => void
}

/** A port with a board behind it, or none. Each opening is a new line. */
export class SimPort {
  readonly #options: SimPortOptions
  #board: SimBoard | undefined
  #opened = 0
  /** All who open it talk at once, as on a bus; otherwise the newest takes over, as with a serial device server. */
  shared = false

  constructor(options: SimPortOptions) {
    this.#options = options
  }

  /** Puts another board behind the port; what ran to the former one breaks. */
  plug(board: SimBoard | undefined): void {
    this.#board?.disconnect()
    this.#board = board
  }

  readonly open = (): MemoryLinkPair => {
    const { name, clock, seed, baudRate, latencyMs, noise, cut, onOpen } = this.#options
    const board = this.#board
    if (board === undefined) throw new AppError('port_missing', `${name} is not there.`)
    if (!this.shared) board.disconnect()
    const index = this.#opened++
    const direction = (way: 0 | 1) => {
      const cuts = index === 0 && cut !== undefined && cut.toBoard === (way === 0)
      return {
        latencyMs: latencyMs[way],
        ...(noise.length > 0 && { pass: new LineNoise(clock, noise, seed + index * 64 + way * 32).pass }),
        ...(cuts && { cutAfterBytes: cut.afterBytes }),
      }
    }
    const line = memoryLinkPair({
      clock,
      baudRate,
      address: name,
      toBoard: direction(0),
      toHost: direction(1),
    })
    board.connect(line)
    onOpen()
    return line
  }
}
