import type { Clock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { type MemoryLinkPair, memoryLinkPair } from '../../src/link/memory-link.ts'
import type { FaultKind, LineFault } from './faults.ts'
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
  /** Noise has struck so many times, or the cable was pulled. */
  readonly onStrike: (kind: FaultKind, times: number) => void
}

/** A port with a board behind it, or none. Each opening is a new line. */
export class SimPort {
  readonly #options: SimPortOptions
  #board: SimBoard | undefined
  #opened = 0
  #takingOver = false
  /** All who open it talk at once, as on a bus; otherwise the newest takes over, as with a serial device server. */
  shared = false

  constructor(options: SimPortOptions) {
    this.#options = options
  }

  /** Puts another board behind the port; what ran to the former one breaks. */
  plug(board: SimBoard | undefined): void {
    this.#takeOver(this.#board)
    this.#board = board
  }

  readonly open = (): MemoryLinkPair => {
    const { name, clock, seed, baudRate, latencyMs, noise, cut, onOpen, onStrike } = this.#options
    const board = this.#board
    if (board === undefined) throw new AppError('port_missing', `${name} is not there.`)
    if (!this.shared) this.#takeOver(board)
    const index = this.#opened++
    const direction = (way: 0 | 1) => {
      const cuts = index === 0 && cut !== undefined && cut.toBoard === (way === 0)
      return {
        latencyMs: latencyMs[way],
        ...(noise.length > 0 && {
          pass: new LineNoise(clock, noise, seed + index * 64 + way * 32, onStrike).pass,
        }),
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
    if (index === 0 && cut !== undefined)
      line.host.onClose(error => {
        // A close by the host itself says nothing, and who takes the line over has said so.
        if (error !== undefined && !this.#takingOver) onStrike('unplug', 1)
      })
    board.connect(line)
    onOpen()
    return line
  }

  #takeOver(board: SimBoard | undefined): void {
    this.#takingOver = true
    board?.disconnect()
    this.#takingOver = false
  }
}
